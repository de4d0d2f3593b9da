// The tour of franz-go; FRANZ_MAX_VERSION bounds it to what a Kafka release understood.
package main

import (
	"context"
	"os"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"tours/said"
)

func connect(more ...kgo.Opt) *kgo.Client {
	options := []kgo.Opt{
		kgo.SeedBrokers(said.Broker),
		kgo.SASL(plain.Auth{User: said.User, Pass: said.Password}.AsMechanism()),
	}
	if bound := os.Getenv("FRANZ_MAX_VERSION"); bound != "" {
		options = append(options, kgo.MaxVersions(kversion.FromString(bound)))
	}
	client, err := kgo.NewClient(append(options, more...)...)
	said.Must(err)
	return client
}

func read(ctx context.Context, client *kgo.Client, step string, count int) {
	for count > 0 {
		fetches := client.PollRecords(ctx, count)
		said.Must(fetches.Err())
		fetches.EachRecord(func(record *kgo.Record) {
			said.Record(step, record.Offset, record.Timestamp, record.Key, record.Value)
			count--
		})
	}
}

func pausedRecords(ctx context.Context, client *kgo.Client) (records int) {
	for range 3 {
		poll, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		records += client.PollRecords(poll, 10).NumRecords()
		cancel()
	}
	return records
}

// By the request itself: the admin's own asks for all topics, which Kafka 0.10 has no way to say.
func committed(ctx context.Context, client *kgo.Client) {
	topic := kmsg.NewOffsetFetchRequestTopic()
	topic.Topic, topic.Partitions = said.Topic, []int32{0}
	request := kmsg.NewPtrOffsetFetchRequest()
	request.Group, request.Topics = said.Group, []kmsg.OffsetFetchRequestTopic{topic}
	answer, err := request.RequestWith(ctx, client)
	said.Must(err)
	if len(answer.Groups) > 0 {
		found := answer.Groups[0].Topics[0].Partitions[0]
		said.Must(kerr.ErrorForCode(found.ErrorCode))
		said.Say("committed", said.Fields{"offset": found.Offset, "metadata": found.Metadata})
		return
	}
	found := answer.Topics[0].Partitions[0]
	said.Must(kerr.ErrorForCode(found.ErrorCode))
	said.Say("committed", said.Fields{"offset": found.Offset, "metadata": found.Metadata})
}

func subscribed(ctx context.Context, step string, count int) {
	assigned := make(chan []int32, 1)
	client := connect(
		kgo.ConsumerGroup(said.Group),
		kgo.ConsumeTopics(said.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
			assigned <- slices.Clone(partitions[said.Topic])
		}),
	)
	defer client.Close()
	read(ctx, client, step, count)
	if count == 1 {
		return
	}
	said.Say("assigned", said.Fields{"partitions": <-assigned})
	said.Must(client.CommitUncommittedOffsets(ctx))
	committed(ctx, client)
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	start := map[int32]kgo.Offset{0: kgo.NewOffset().AtStart()}
	client := connect(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{said.Topic: start}))
	admin := kadm.NewClient(client)
	read(ctx, client, "assign", said.Count)

	starts, err := admin.ListStartOffsets(ctx, said.Topic)
	said.Must(err)
	ends, err := admin.ListEndOffsets(ctx, said.Topic)
	said.Must(err)
	said.Say("range", said.Fields{"beginning": starts[said.Topic][0].Offset, "end": ends[said.Topic][0].Offset})
	times, err := admin.ListOffsetsAfterMilli(ctx, said.Second, said.Topic)
	said.Must(err)
	found := times[said.Topic][0]
	said.Must(found.Err)
	said.Say("time", said.Fields{"offset": found.Offset, "timestamp": found.Timestamp})

	there := kgo.EpochOffset{Epoch: -1, Offset: found.Offset}
	client.SetOffsets(map[string]map[int32]kgo.EpochOffset{said.Topic: {0: there}})
	read(ctx, client, "seek", 1)
	partition := map[string][]int32{said.Topic: {0}}
	client.PauseFetchPartitions(partition)
	said.Say("paused", said.Fields{"records": pausedRecords(ctx, client)})
	client.ResumeFetchPartitions(partition)
	read(ctx, client, "resume", 1)

	var behind kadm.Offsets
	behind.Add(kadm.Offset{Topic: said.Topic, At: int64(said.Count), LeaderEpoch: -1, Metadata: said.Metadata})
	said.Must(admin.CommitAllOffsets(ctx, said.Group, behind))
	committed(ctx, client)
	client.Close()

	subscribed(ctx, "subscribe", said.Count)
	subscribed(ctx, "rejoin", 1)
	said.Say("done", nil)
}
