// Prints the row changes of a topic as lines of JSON, from where its group stands.
package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"log"
	"os"
	"os/signal"

	"github.com/hamba/avro/v2"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
)

var (
	broker   = setting("WELLHEAD_BROKER", "127.0.0.1:9092")
	topic    = setting("WELLHEAD_TOPIC", "shop")
	group    = setting("WELLHEAD_GROUP", "dtsgroupid")
	user     = setting("WELLHEAD_USER", "reader-dtsgroupid")
	password = setting("WELLHEAD_PASSWORD", "Secret_123")
)

func setting(name, otherwise string) string {
	if value, set := os.LookupEnv(name); set {
		return value
	}
	return otherwise
}

// A row change; an image is {column: text}, and null where there is none.
type change struct {
	Offset    int64          `json:"offset"`
	Operation any            `json:"operation"`
	Table     any            `json:"table"`
	Before    map[string]any `json:"before"`
	After     map[string]any `json:"after"`
}

func image(record map[string]any, side string) map[string]any {
	values, fields := branch[[]any](record[side]), branch[[]any](record["fields"])
	if values == nil {
		return nil
	}
	image := make(map[string]any, len(values))
	for index, value := range values {
		image[fields[index].(map[string]any)["name"].(string)] = text(value)
	}
	return image
}

// What a union holds, if it is of this type: a union with several types comes as {type: value}.
func branch[T any](union any) (found T) {
	if named, several := union.(map[string]any); several {
		for _, value := range named {
			union = value
		}
	}
	found, _ = union.(T)
	return found
}

// Numbers come as digits, text as bytes with the name of its charset; nil is SQL NULL.
func text(union any) any {
	typed := branch[map[string]any](union)
	switch inner := typed["value"].(type) {
	case nil:
		return typed // a time has its parts, and NULL nothing
	case []byte:
		if _, known := typed["charset"]; !known {
			return hex.EncodeToString(inner)
		}
		return string(inner) // utf8 and utf8mb4; golang.org/x/text knows the others
	default:
		return inner
	}
}

func main() {
	types, err := os.ReadFile("../record.avsc")
	check(err)
	schema, err := avro.Parse(string(types))
	check(err)
	// The file is a list of named types; the last one is the record.
	named := schema.(*avro.UnionSchema).Types()
	schema = named[len(named)-1]

	options := []kgo.Opt{
		kgo.SeedBrokers(broker),
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
	}
	if user != "" { // `wellhead tap` asks for no login
		options = append(options, kgo.SASL(plain.Auth{User: user, Pass: password}.AsMechanism()))
	}
	client, err := kgo.NewClient(options...)
	check(err)
	defer client.Close()

	running, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	lines := json.NewEncoder(os.Stdout)
	for {
		fetches := client.PollFetches(running)
		if running.Err() != nil {
			return
		}
		check(fetches.Err())
		for message := range fetches.RecordsAll() {
			var record map[string]any
			check(avro.Unmarshal(schema, message.Value, &record))
			switch record["operation"] {
			case "INSERT", "UPDATE", "DELETE": // no BEGIN, COMMIT, DDL, HEARTBEAT
				table := branch[string](record["objectName"])
				before, after := image(record, "beforeImages"), image(record, "afterImages")
				check(lines.Encode(change{message.Offset, record["operation"], table, before, after}))
			}
		}
		check(client.CommitUncommittedOffsets(running)) // after the work is done, so that nothing is lost
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
