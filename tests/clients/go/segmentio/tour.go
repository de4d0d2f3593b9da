// The tour of segmentio's kafka-go.
package main

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl/plain"

	"tours/said"
)

var (
	login  = plain.Mechanism{Username: said.User, Password: said.Password}
	dialer = &kafka.Dialer{Timeout: 20 * time.Second, SASLMechanism: login}
	client = &kafka.Client{Addr: kafka.TCP(said.Broker), Transport: &kafka.Transport{SASL: login}}
)

func reader(more func(*kafka.ReaderConfig)) *kafka.Reader {
	config := kafka.ReaderConfig{
		Brokers: []string{said.Broker}, Topic: said.Topic, Dialer: dialer, MaxWait: 250 * time.Millisecond,
	}
	more(&config)
	return kafka.NewReader(config)
}

func read(ctx context.Context, reader *kafka.Reader, step string, count int) (last kafka.Message) {
	for range count {
		message, err := reader.FetchMessage(ctx)
		said.Must(err)
		said.Record(step, message.Offset, message.Time, message.Key, message.Value)
		last = message
	}
	return last
}

func committed(ctx context.Context) {
	request := kafka.OffsetFetchRequest{GroupID: said.Group, Topics: map[string][]int{said.Topic: {0}}}
	answer, err := client.OffsetFetch(ctx, &request)
	said.Must(err)
	said.Must(answer.Error)
	found := answer.Topics[said.Topic][0]
	said.Must(found.Error)
	said.Say("committed", said.Fields{"offset": found.CommittedOffset, "metadata": found.Metadata})
}

func commit(ctx context.Context) {
	behind := kafka.OffsetCommit{Partition: 0, Offset: int64(said.Count), Metadata: said.Metadata}
	answer, err := client.OffsetCommit(ctx, &kafka.OffsetCommitRequest{
		GroupID: said.Group, GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{said.Topic: {behind}},
	})
	said.Must(err)
	said.Must(answer.Topics[said.Topic][0].Error)
}

func member(config *kafka.ReaderConfig) {
	config.GroupID = said.Group
	config.StartOffset = kafka.FirstOffset
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	alone := reader(func(*kafka.ReaderConfig) {})
	read(ctx, alone, "assign", said.Count)
	leader, err := dialer.DialLeader(ctx, "tcp", said.Broker, said.Topic, 0)
	said.Must(err)
	beginning, end, err := leader.ReadOffsets()
	said.Must(err)
	said.Must(leader.Close())
	said.Say("range", said.Fields{"beginning": beginning, "end": end})
	said.Must(alone.SetOffsetAt(ctx, time.Unix(said.Second, 0))) // it asks in milliseconds
	said.Say("time", said.Fields{"offset": alone.Offset()})
	read(ctx, alone, "seek", 1)
	said.Cannot("pause", "assigned")
	said.Must(alone.Close())
	commit(ctx)
	committed(ctx)

	group := reader(member)
	last := read(ctx, group, "subscribe", said.Count)
	said.Must(group.CommitMessages(ctx, last))
	committed(ctx)
	said.Must(group.Close())

	group = reader(member)
	read(ctx, group, "rejoin", 1)
	said.Must(group.Close())
	said.Say("done", nil)
}
