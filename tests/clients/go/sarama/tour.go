// The tour of sarama, in the calls that its releases since 1.24 share; SARAMA_VERSION is the Kafka version it is told.
package main

import (
	"context"
	"os"
	"time"

	"github.com/IBM/sarama"

	"tours/said"
)

func configuration() *sarama.Config {
	config := sarama.NewConfig()
	version, err := sarama.ParseKafkaVersion(os.Getenv("SARAMA_VERSION"))
	said.Must(err)
	config.Version = version
	config.Net.SASL.Enable = true
	config.Net.SASL.User = said.User
	config.Net.SASL.Password = said.Password
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Return.Errors = true
	return config
}

func connect() sarama.Client {
	client, err := sarama.NewClient([]string{said.Broker}, configuration())
	said.Must(err)
	return client
}

func read(consumer sarama.Consumer, step string, from int64, count int) {
	partition, err := consumer.ConsumePartition(said.Topic, 0, from)
	said.Must(err)
	for range count {
		select {
		case message := <-partition.Messages():
			said.Record(step, message.Offset, message.Timestamp, message.Key, message.Value)
		case err := <-partition.Errors():
			said.Must(err)
		}
	}
	said.Must(partition.Close())
}

func offset(client sarama.Client, at int64) int64 {
	found, err := client.GetOffset(said.Topic, 0, at)
	said.Must(err)
	return found
}

// Commits without a membership where offset is not negative, and answers what is committed then.
func committed(client sarama.Client, offset int64, metadata string) {
	for _, mark := range []bool{true, false} {
		manager, err := sarama.NewOffsetManagerFromClient(said.Group, client)
		said.Must(err)
		partition, err := manager.ManagePartition(said.Topic, 0)
		said.Must(err)
		if mark && offset >= 0 {
			partition.MarkOffset(offset, metadata)
		}
		if !mark {
			at, metadata := partition.NextOffset()
			said.Say("committed", said.Fields{"offset": at, "metadata": metadata})
		}
		partition.AsyncClose()
		said.Must(manager.Close())
	}
}

// One membership that ends after some records; what is marked is committed as it ends.
type member struct {
	step   string
	count  int
	commit bool
}

func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	if m.commit {
		said.Say("assigned", said.Fields{"partitions": session.Claims()[said.Topic]})
	}
	return nil
}

func (m *member) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for range m.count {
		message := <-claim.Messages()
		said.Record(m.step, message.Offset, message.Timestamp, message.Key, message.Value)
		if m.commit {
			session.MarkMessage(message, "")
		}
	}
	return nil
}

func join(m *member) {
	group, err := sarama.NewConsumerGroup([]string{said.Broker}, said.Group, configuration())
	said.Must(err)
	limit, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	said.Must(group.Consume(limit, []string{said.Topic}, m))
	said.Must(group.Close())
}

func main() {
	client := connect()
	consumer, err := sarama.NewConsumerFromClient(client)
	said.Must(err)
	read(consumer, "assign", sarama.OffsetOldest, said.Count)
	said.Say("range", said.Fields{"beginning": offset(client, sarama.OffsetOldest), "end": offset(client, sarama.OffsetNewest)})
	found := offset(client, said.Second)
	said.Say("time", said.Fields{"offset": found})
	read(consumer, "seek", found, 1)
	said.Cannot("pause") // it stops fetching, and hands out what it had fetched
	said.Must(consumer.Close())
	committed(client, int64(said.Count), said.Metadata)

	join(&member{"subscribe", said.Count, true})
	committed(client, -1, "")
	join(&member{"rejoin", 1, false})
	said.Must(client.Close())
	said.Say("done", nil)
}
