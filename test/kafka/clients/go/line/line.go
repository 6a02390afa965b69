// Package line is what the Go clients share: it reads one request a line from stdin and answers on stdout, as
// test/kafka/clients/README.md describes.
package line

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// ErrAbsent says that a client has no such function.
var ErrAbsent = errors.New("the client has no such function")

// Header is a record header; a nil value is null.
type Header struct {
	Name  string
	Value []byte
}

// Record is a record to produce or a consumed one; a nil key or value is null.
type Record struct {
	Partition int
	Offset    int64
	Timestamp int64
	Key       []byte
	Value     []byte
	Headers   []Header
}

// Produce is how records are to be produced.
type Produce struct {
	Topic      string
	Codec      string
	Acks       int
	Idempotent bool
	Records    []Record
}

// Client is what each program implements with its library.
type Client interface {
	// Code returns the error code that the broker answered, or 0.
	Code(err error) int
	Create(topic string, partitions int, configs map[string]string) error
	Partitions(topic string) (int, error)
	AddPartitions(topic string, count int) error
	Delete(topic string) error
	// Produce returns each record's offset, or none where the library does not tell.
	Produce(request Produce) ([]int64, error)
	// Consume passes `count` records from an offset on; -1 is the end of the partition, announced by ready.
	Consume(topic string, partition int, offset int64, count int, ready func(), found func(Record)) error
	// Offset looks up "earliest", "latest", "max" or a timestamp.
	Offset(topic string, partition int, at string) (int64, error)
	Configs(topic string) (map[string]string, error)
	SetConfig(topic, name, value string) error
	DeleteRecords(topic string, partition int, offset int64) (int64, error)
	Brokers() ([]string, error)
}

// Version returns the version of a module in this program.
func Version(module string) string {
	info, _ := debug.ReadBuildInfo()
	for _, dependency := range info.Deps {
		if dependency.Path == module {
			return strings.TrimPrefix(dependency.Version, "v")
		}
	}
	return "unknown"
}

// Serve answers requests until stdin ends.
func Serve(version string, client Client) {
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	output := bufio.NewWriterSize(os.Stdout, 1<<20)
	for {
		text, err := input.ReadString('\n')
		if err != nil {
			return
		}
		err = answer(strings.Split(strings.TrimSuffix(text, "\n"), "\t"), version, client, input, output)
		switch {
		case err == nil:
			fmt.Fprintln(output, ".ok")
		case errors.Is(err, ErrAbsent):
			fmt.Fprintln(output, ".absent")
		default:
			fmt.Fprintf(output, ".error\t%d\t%s\n", client.Code(err), strings.ReplaceAll(err.Error(), "\n", " "))
		}
		output.Flush()
	}
}

func answer(words []string, version string, client Client, input *bufio.Reader, output *bufio.Writer) error {
	switch words[0] {
	case "version":
		fmt.Fprintln(output, version)
	case "create":
		return client.Create(words[1], number(words[2]), pairs(words[3:]))
	case "partitions":
		count, err := client.Partitions(words[1])
		if err != nil {
			return err
		}
		fmt.Fprintln(output, count)
	case "add-partitions":
		return client.AddPartitions(words[1], number(words[2]))
	case "delete":
		return client.Delete(words[1])
	case "produce":
		request := Produce{Topic: words[1], Codec: words[2], Acks: number(words[3]), Idempotent: words[4] == "true"}
		for range number(words[5]) {
			text, err := input.ReadString('\n')
			if err != nil {
				return err
			}
			request.Records = append(request.Records, parse(strings.TrimSuffix(text, "\n")))
		}
		offsets, err := client.Produce(request)
		for _, offset := range offsets {
			fmt.Fprintln(output, offset)
		}
		return err
	case "consume":
		ready := func() {
			fmt.Fprintln(output, "ready")
			output.Flush()
		}
		found := func(record Record) { fmt.Fprintln(output, format(record)) }
		return client.Consume(words[1], number(words[2]), int64(number(words[3])), number(words[4]), ready, found)
	case "offset":
		offset, err := client.Offset(words[1], number(words[2]), words[3])
		if err != nil {
			return err
		}
		fmt.Fprintln(output, offset)
	case "configs":
		configs, err := client.Configs(words[1])
		for name, value := range configs {
			fmt.Fprintf(output, "%s=%s\n", name, value)
		}
		return err
	case "set-config":
		return client.SetConfig(words[1], words[2], words[3])
	case "delete-records":
		low, err := client.DeleteRecords(words[1], number(words[2]), int64(number(words[3])))
		if err == nil && low >= 0 {
			fmt.Fprintln(output, low)
		}
		return err
	case "brokers":
		brokers, err := client.Brokers()
		for _, broker := range brokers {
			fmt.Fprintln(output, broker)
		}
		return err
	default:
		return ErrAbsent
	}
	return nil
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return value
}

func pairs(words []string) map[string]string {
	result := map[string]string{}
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		result[name] = value
	}
	return result
}

func parse(text string) Record {
	words := strings.Split(text, "\t")
	record := Record{Partition: number(words[0]), Timestamp: int64(number(words[1])), Key: bytes(words[2]), Value: bytes(words[3])}
	for _, word := range words[4:] {
		name, value, _ := strings.Cut(word, "=")
		record.Headers = append(record.Headers, Header{Name: string(bytes(name)), Value: bytes(value)})
	}
	return record
}

func format(record Record) string {
	words := []string{
		strconv.Itoa(record.Partition), strconv.FormatInt(record.Offset, 10),
		strconv.FormatInt(record.Timestamp, 10), text(record.Key), text(record.Value),
	}
	for _, header := range record.Headers {
		words = append(words, text([]byte(header.Name))+"="+text(header.Value))
	}
	return strings.Join(words, "\t")
}

func bytes(text string) []byte {
	if text == "-" {
		return nil
	}
	value, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return value
}

func text(value []byte) string {
	if value == nil {
		return "-"
	}
	return hex.EncodeToString(value)
}
