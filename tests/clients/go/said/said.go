// Package said is what the tours in Go share: what they are asked, and how they say what they saw.
package said

import (
	"encoding/json"
	"log"
	"os"
	"strconv"
	"time"
)

// What a tour is asked.
var (
	Broker   = os.Getenv("WELLHEAD_BROKER")
	Topic    = os.Getenv("WELLHEAD_TOPIC")
	Group    = os.Getenv("WELLHEAD_GROUP")
	User     = os.Getenv("WELLHEAD_USER")
	Password = os.Getenv("WELLHEAD_PASSWORD")
	Second   = number("WELLHEAD_SECOND")
	Count    = int(number("WELLHEAD_COUNT"))
)

// Metadata is committed in step 6.
const Metadata = "1712905965|tour"

func number(variable string) int64 {
	value, err := strconv.ParseInt(os.Getenv(variable), 10, 64)
	Must(err)
	return value
}

// Must ends the tour where something failed.
func Must(err error) {
	if err != nil {
		log.Panic(err)
	}
}

// Fields are those of one line.
type Fields map[string]any

// Say prints one line.
func Say(event string, fields Fields) {
	line := Fields{"event": event}
	for name, value := range fields {
		line[name] = value
	}
	Must(json.NewEncoder(os.Stdout).Encode(line))
}

// Record says one record as it came; an empty key of a library that knows no null is left out.
func Record(step string, offset int64, at time.Time, key, value []byte) {
	fields := Fields{"step": step, "offset": offset, "timestamp": at.UnixMilli(), "value": value}
	if len(key) > 0 {
		fields["key"] = key
	}
	Say("record", fields)
}

// Cannot says which steps a library has no call for.
func Cannot(steps ...string) {
	for _, step := range steps {
		Say("cannot", Fields{"step": step})
	}
}
