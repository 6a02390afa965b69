// A load for brokers that speak Kafka's protocol, with franz-go: the same program against this broker and against Apache
// Kafka. Prints one JSON object. bench/kafka.ts runs it.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

type result struct {
	Records    int     `json:"records"`
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpuSeconds"`
	P50Ms      float64 `json:"p50Ms,omitempty"`
	P99Ms      float64 `json:"p99Ms,omitempty"`
	P999Ms     float64 `json:"p999Ms,omitempty"`
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	fail(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return float64(usage.Utime.Sec+usage.Stime.Sec) + float64(usage.Utime.Usec+usage.Stime.Usec)/1e6
}

// create creates a topic of one partition, with a setting ("name=value") unless it is empty.
func create(ctx context.Context, client *kgo.Client, topic, config string) {
	of := kmsg.NewCreateTopicsRequestTopic()
	of.Topic, of.NumPartitions, of.ReplicationFactor = topic, 1, 1
	if name, value, ok := strings.Cut(config, "="); ok {
		setting := kmsg.NewCreateTopicsRequestTopicConfig()
		setting.Name, setting.Value = name, &value
		of.Configs = append(of.Configs, setting)
	}
	request := kmsg.NewPtrCreateTopicsRequest()
	request.Topics = append(request.Topics, of)
	response, err := request.RequestWith(ctx, client)
	fail(err)
	fail(kerr.ErrorForCode(response.Topics[0].ErrorCode))
}

func remove(ctx context.Context, client *kgo.Client, topic string) {
	of := kmsg.NewDeleteTopicsRequestTopic()
	of.Topic = &topic
	request := kmsg.NewPtrDeleteTopicsRequest()
	request.Topics, request.TopicNames = append(request.Topics, of), append(request.TopicNames, topic)
	response, err := request.RequestWith(ctx, client)
	fail(err)
	fail(kerr.ErrorForCode(response.Topics[0].ErrorCode))
}

func main() {
	mode := flag.String("mode", "produce", "create, delete, produce, consume or latency")
	brokers := flag.String("broker", "127.0.0.1:9092", "address")
	topic := flag.String("topic", "bench", "topic; created if it is missing, with the broker's number of partitions")
	partitions := flag.Int("partitions", 1, "partitions to consume")
	config := flag.String("config", "", "setting of a topic to create, name=value")
	records := flag.Int("records", 1_000_000, "number of records")
	size := flag.Int("bytes", 100, "bytes of a value")
	flag.Parse()

	client, err := kgo.NewClient(
		kgo.SeedBrokers(*brokers),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerBatchMaxBytes(1_000_000),
		kgo.MaxBufferedRecords(200_000),
		kgo.RecordPartitioner(kgo.RoundRobinPartitioner()),
		kgo.FetchMaxWait(100*time.Millisecond),
		kgo.AllowAutoTopicCreation(),
	)
	fail(err)
	defer client.Close()
	ctx := context.Background()

	var got result
	switch *mode {
	case "create":
		create(ctx, client, *topic, *config)
	case "delete":
		remove(ctx, client, *topic)
	case "produce":
		value := make([]byte, *size)
		fail(client.ProduceSync(ctx, &kgo.Record{Topic: *topic, Value: value}).FirstErr())
		began, cpu := time.Now(), cpuSeconds()
		var group sync.WaitGroup
		var failed atomic.Value
		group.Add(*records)
		for i := 0; i < *records; i++ {
			client.Produce(ctx, &kgo.Record{Topic: *topic, Value: value}, func(_ *kgo.Record, err error) {
				if err != nil {
					failed.Store(err)
				}
				group.Done()
			})
		}
		group.Wait()
		if err, ok := failed.Load().(error); ok {
			fail(err)
		}
		got = result{Records: *records, Seconds: time.Since(began).Seconds(), CPUSeconds: cpuSeconds() - cpu}
	case "consume":
		offsets := map[string]map[int32]kgo.Offset{*topic: {}}
		for p := 0; p < *partitions; p++ {
			offsets[*topic][int32(p)] = kgo.NewOffset().AtStart()
		}
		began, cpu := time.Now(), cpuSeconds()
		client.AddConsumePartitions(offsets)
		for got.Records < *records {
			fetches := client.PollFetches(ctx)
			if errs := fetches.Errors(); len(errs) > 0 {
				fail(errs[0].Err)
			}
			got.Records += fetches.NumRecords()
		}
		got.Seconds, got.CPUSeconds = time.Since(began).Seconds(), cpuSeconds()-cpu
	case "latency":
		value := make([]byte, *size)
		took := make([]float64, 0, *records)
		warm := *records / 10
		cpu := cpuSeconds()
		began := time.Now()
		for i := 0; i < *records+warm; i++ {
			at := time.Now()
			fail(client.ProduceSync(ctx, &kgo.Record{Topic: *topic, Value: value}).FirstErr())
			if i >= warm {
				took = append(took, float64(time.Since(at).Nanoseconds())/1e6)
			}
		}
		got = result{Records: *records, Seconds: time.Since(began).Seconds(), CPUSeconds: cpuSeconds() - cpu}
		sort.Float64s(took)
		at := func(share float64) float64 { return took[min(len(took)-1, int(share*float64(len(took))))] }
		got.P50Ms, got.P99Ms, got.P999Ms = at(0.5), at(0.99), at(0.999)
	default:
		fail(fmt.Errorf("no mode %q", *mode))
	}
	fail(json.NewEncoder(os.Stdout).Encode(got))
}
