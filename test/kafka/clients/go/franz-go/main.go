// franz-go behind the line protocol.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"rustlog/kafka-clients/franz"
	"rustlog/kafka-clients/line"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

type client struct {
	broker string
	admin  *kadm.Client
}

func main() {
	broker := os.Args[1]
	shared, err := kgo.NewClient(append(franz.Security(), kgo.SeedBrokers(broker), kgo.MetadataMinAge(10*time.Millisecond))...)
	if err != nil {
		panic(err)
	}
	line.Serve(line.Version("github.com/twmb/franz-go"), &client{broker, kadm.NewClient(shared)})
}

func timeout() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 20*time.Second)
}

func (c *client) Code(err error) int {
	var known *kerr.Error
	if errors.As(err, &known) {
		return int(known.Code)
	}
	return 0
}

func (c *client) Create(topic string, partitions int, configs map[string]string) error {
	ctx, cancel := timeout()
	defer cancel()
	values := map[string]*string{}
	for name, value := range configs {
		values[name] = &value
	}
	_, err := c.admin.CreateTopic(ctx, int32(partitions), -1, values, topic)
	return err
}

func (c *client) Partitions(topic string) (int, error) {
	ctx, cancel := timeout()
	defer cancel()
	topics, err := c.admin.ListTopics(ctx, topic)
	if err != nil {
		return 0, err
	}
	return len(topics[topic].Partitions), topics[topic].Err
}

func (c *client) AddPartitions(topic string, count int) error {
	ctx, cancel := timeout()
	defer cancel()
	results, err := c.admin.UpdatePartitions(ctx, count, topic)
	if err != nil {
		return err
	}
	return results[topic].Err
}

func (c *client) Delete(topic string) error {
	ctx, cancel := timeout()
	defer cancel()
	results, err := c.admin.DeleteTopics(ctx, topic)
	if err != nil {
		return err
	}
	return results[topic].Err
}

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

var acks = map[int]kgo.Acks{0: kgo.NoAck(), 1: kgo.LeaderAck(), -1: kgo.AllISRAcks()}

func (c *client) Produce(request line.Produce) ([]int64, error) {
	ctx, cancel := timeout()
	defer cancel()
	options := []kgo.Opt{
		kgo.SeedBrokers(c.broker), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(5 * time.Millisecond),
		kgo.ProducerBatchCompression(codecs[request.Codec]), kgo.RequiredAcks(acks[request.Acks]),
		kgo.UnknownTopicRetries(1), kgo.MetadataMinAge(10 * time.Millisecond),
	}
	if !request.Idempotent {
		options = append(options, kgo.DisableIdempotentWrite())
	}
	producer, err := kgo.NewClient(append(options, franz.Security()...)...)
	if err != nil {
		return nil, err
	}
	defer producer.Close()
	records := make([]*kgo.Record, len(request.Records))
	for i, record := range request.Records {
		records[i] = &kgo.Record{
			Topic: request.Topic, Partition: int32(record.Partition), Timestamp: time.UnixMilli(record.Timestamp),
			Key: record.Key, Value: record.Value,
		}
		for _, header := range record.Headers {
			records[i].Headers = append(records[i].Headers, kgo.RecordHeader{Key: header.Name, Value: header.Value})
		}
	}
	if err := producer.ProduceSync(ctx, records...).FirstErr(); err != nil || request.Acks == 0 {
		return nil, err
	}
	offsets := make([]int64, len(records))
	for i, record := range records {
		offsets[i] = record.Offset
	}
	return offsets, nil
}

func (c *client) Consume(topic string, partition int, offset int64, count int, ready func(), found func(line.Record)) error {
	ctx, cancel := timeout()
	defer cancel()
	if offset == -1 {
		end, err := c.Offset(topic, partition, "latest")
		if err != nil {
			return err
		}
		offset = end
		ready()
	}
	start := map[string]map[int32]kgo.Offset{topic: {int32(partition): kgo.NewOffset().At(offset)}}
	consumer, err := kgo.NewClient(append(franz.Security(), kgo.SeedBrokers(c.broker), kgo.ConsumePartitions(start),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.MetadataMinAge(10*time.Millisecond))...)
	if err != nil {
		return err
	}
	defer consumer.Close()
	for n := 0; n < count; {
		fetches := consumer.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("%d of %d records: %w", n, count, err)
		}
		fetches.EachRecord(func(record *kgo.Record) {
			if n++; n > count {
				return
			}
			result := line.Record{
				Partition: int(record.Partition), Offset: record.Offset, Timestamp: record.Timestamp.UnixMilli(),
				Key: record.Key, Value: record.Value,
			}
			for _, header := range record.Headers {
				result.Headers = append(result.Headers, line.Header{Name: header.Key, Value: header.Value})
			}
			found(result)
		})
	}
	return nil
}

func (c *client) Offset(topic string, partition int, at string) (int64, error) {
	ctx, cancel := timeout()
	defer cancel()
	var listed kadm.ListedOffsets
	var err error
	switch at {
	case "earliest":
		listed, err = c.admin.ListStartOffsets(ctx, topic)
	case "latest":
		listed, err = c.admin.ListEndOffsets(ctx, topic)
	case "max":
		listed, err = c.admin.ListMaxTimestampOffsets(ctx, topic)
	default:
		var timestamp int64
		if timestamp, err = strconv.ParseInt(at, 10, 64); err == nil {
			listed, err = c.admin.ListOffsetsAfterMilli(ctx, timestamp, topic)
		}
	}
	if err != nil {
		return 0, err
	}
	found, ok := listed.Lookup(topic, int32(partition))
	if !ok {
		return 0, kerr.UnknownTopicOrPartition
	}
	return found.Offset, found.Err
}

func (c *client) Configs(topic string) (map[string]string, error) {
	ctx, cancel := timeout()
	defer cancel()
	described, err := c.admin.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return nil, err
	}
	resource, err := described.On(topic, nil)
	if err != nil {
		return nil, err
	}
	result := map[string]string{}
	for _, config := range resource.Configs {
		result[config.Key] = config.MaybeValue()
	}
	return result, resource.Err
}

func (c *client) SetConfig(topic, name, value string) error {
	ctx, cancel := timeout()
	defer cancel()
	change := kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: &value}
	results, err := c.admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{change}, topic)
	if err != nil {
		return err
	}
	result, err := results.On(topic, nil)
	if err != nil {
		return err
	}
	return result.Err
}

func (c *client) DeleteRecords(topic string, partition int, offset int64) (int64, error) {
	ctx, cancel := timeout()
	defer cancel()
	offsets := kadm.Offsets{}
	offsets.AddOffset(topic, int32(partition), offset, -1)
	results, err := c.admin.DeleteRecords(ctx, offsets)
	if err != nil {
		return 0, err
	}
	result, ok := results.Lookup(topic, int32(partition))
	if !ok {
		return 0, errors.New("no answer for the partition")
	}
	return result.LowWatermark, result.Err
}

func (c *client) Brokers() ([]string, error) {
	ctx, cancel := timeout()
	defer cancel()
	metadata, err := c.admin.BrokerMetadata(ctx)
	if err != nil {
		return nil, err
	}
	var result []string
	for _, broker := range metadata.Brokers {
		result = append(result, fmt.Sprintf("%d\t%s:%d", broker.NodeID, broker.Host, broker.Port))
	}
	return result, nil
}
