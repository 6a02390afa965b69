// kafka-go behind the line protocol: its Writer, its Reader on one partition, and its Client for everything else.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"rustlog/kafka-clients/line"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

type client struct {
	broker string
	low    *kafka.Client
}

// newTransport and newDialer say how to connect and to log in, as the documentation of kafka-go does. By default a
// transport believes metadata for six seconds.
func newTransport() *kafka.Transport {
	login := line.ReadLogin()
	return &kafka.Transport{MetadataTTL: 10 * time.Millisecond, TLS: login.TLS(), SASL: mechanism(login)}
}

func newDialer() *kafka.Dialer {
	login := line.ReadLogin()
	return &kafka.Dialer{TLS: login.TLS(), SASLMechanism: mechanism(login)}
}

func mechanism(login line.Login) sasl.Mechanism {
	var made sasl.Mechanism
	var err error
	switch login.Mechanism {
	case "PLAIN":
		made = plain.Mechanism{Username: login.User, Password: login.Password}
	case "SCRAM-SHA-256":
		made, err = scram.Mechanism(scram.SHA256, login.User, login.Password)
	case "SCRAM-SHA-512":
		made, err = scram.Mechanism(scram.SHA512, login.User, login.Password)
	}
	if err != nil {
		panic(err)
	}
	return made
}

func main() {
	broker := os.Args[1]
	transport := newTransport()
	low := &kafka.Client{Addr: kafka.TCP(broker), Timeout: 20 * time.Second, Transport: transport}
	line.Serve(line.Version("github.com/segmentio/kafka-go"), &client{broker, low})
}

func timeout() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 20*time.Second)
}

func (c *client) Code(err error) int {
	var all kafka.WriteErrors
	if errors.As(err, &all) {
		for _, one := range all {
			if one != nil {
				return c.Code(one)
			}
		}
	}
	var tooLarge kafka.MessageTooLargeError
	if errors.As(err, &tooLarge) {
		return int(kafka.MessageSizeTooLarge)
	}
	var known kafka.Error
	if errors.As(err, &known) {
		return int(known)
	}
	return 0
}

func (c *client) Create(topic string, partitions int, configs map[string]string) error {
	ctx, cancel := timeout()
	defer cancel()
	config := kafka.TopicConfig{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1}
	for name, value := range configs {
		config.ConfigEntries = append(config.ConfigEntries, kafka.ConfigEntry{ConfigName: name, ConfigValue: value})
	}
	response, err := c.low.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{config}})
	if err != nil {
		return err
	}
	return response.Errors[topic]
}

func (c *client) Partitions(topic string) (int, error) {
	ctx, cancel := timeout()
	defer cancel()
	// The Client answers from memory, and asking for a topic by name would create it.
	connection, err := newDialer().DialContext(ctx, "tcp", c.broker)
	if err != nil {
		return 0, err
	}
	defer connection.Close()
	all, err := connection.ReadPartitions()
	if err != nil {
		return 0, err
	}
	count := 0
	for _, partition := range all {
		if partition.Topic == topic {
			count++
		}
	}
	if count > 0 {
		return count, nil
	}
	return 0, kafka.UnknownTopicOrPartition
}

func (c *client) AddPartitions(topic string, count int) error {
	ctx, cancel := timeout()
	defer cancel()
	request := kafka.CreatePartitionsRequest{Topics: []kafka.TopicPartitionsConfig{{Name: topic, Count: int32(count)}}}
	response, err := c.low.CreatePartitions(ctx, &request)
	if err != nil {
		return err
	}
	return response.Errors[topic]
}

func (c *client) Delete(topic string) error {
	ctx, cancel := timeout()
	defer cancel()
	response, err := c.low.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{topic}})
	if err != nil {
		return err
	}
	return response.Errors[topic]
}

var codecs = map[string]kafka.Compression{
	"none": 0, "gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd,
}

func (c *client) Produce(request line.Produce) ([]int64, error) {
	if request.Idempotent {
		return nil, line.ErrAbsent
	}
	ctx, cancel := timeout()
	defer cancel()
	transport := newTransport()
	defer transport.CloseIdleConnections()
	var lock sync.Mutex
	offsets := make([]int64, len(request.Records))
	writer := &kafka.Writer{
		Addr: kafka.TCP(c.broker), Topic: request.Topic, Transport: transport,
		BatchTimeout: 5 * time.Millisecond, BatchBytes: 1 << 20, MaxAttempts: 3,
		RequiredAcks: kafka.RequiredAcks(request.Acks), Compression: codecs[request.Codec],
		Balancer: kafka.BalancerFunc(func(message kafka.Message, _ ...int) int {
			return request.Records[message.WriterData.(int)].Partition
		}),
		Completion: func(messages []kafka.Message, err error) {
			lock.Lock()
			defer lock.Unlock()
			for _, message := range messages {
				offsets[message.WriterData.(int)] = message.Offset
			}
		},
	}
	messages := make([]kafka.Message, len(request.Records))
	for i, record := range request.Records {
		messages[i] = kafka.Message{
			Key: record.Key, Value: record.Value, Time: time.UnixMilli(record.Timestamp), WriterData: i,
		}
		for _, header := range record.Headers {
			messages[i].Headers = append(messages[i].Headers, kafka.Header{Key: header.Name, Value: header.Value})
		}
	}
	err := writer.WriteMessages(ctx, messages...)
	if closed := writer.Close(); err == nil {
		err = closed
	}
	if err != nil || request.Acks == 0 {
		return nil, err
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
	reader := kafka.NewReader(kafka.ReaderConfig{
		Dialer:  newDialer(),
		Brokers: []string{c.broker}, Topic: topic, Partition: partition, MinBytes: 1, MaxBytes: 10 << 20,
		MaxWait: 100 * time.Millisecond, MaxAttempts: 1, OffsetOutOfRangeError: true,
	})
	defer reader.Close()
	if err := reader.SetOffset(offset); err != nil {
		return err
	}
	for n := 0; n < count; n++ {
		message, err := reader.ReadMessage(ctx)
		if err != nil {
			return fmt.Errorf("%d of %d records: %w", n, count, err)
		}
		record := line.Record{
			Partition: message.Partition, Offset: message.Offset, Timestamp: message.Time.UnixMilli(),
			Key: message.Key, Value: message.Value,
		}
		for _, header := range message.Headers {
			record.Headers = append(record.Headers, line.Header{Name: header.Key, Value: header.Value})
		}
		found(record)
	}
	return nil
}

func (c *client) Offset(topic string, partition int, at string) (int64, error) {
	ctx, cancel := timeout()
	defer cancel()
	request := kafka.OffsetRequest{Partition: partition}
	switch at {
	case "earliest":
		request.Timestamp = kafka.FirstOffset
	case "latest":
		request.Timestamp = kafka.LastOffset
	case "max":
		return 0, line.ErrAbsent
	default:
		timestamp, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			return 0, err
		}
		request.Timestamp = timestamp
	}
	response, err := c.low.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{topic: {request}},
	})
	if err != nil {
		return 0, err
	}
	result := response.Topics[topic][0]
	switch at {
	case "earliest":
		return result.FirstOffset, result.Error
	case "latest":
		return result.LastOffset, result.Error
	}
	for found := range result.Offsets {
		return found, result.Error
	}
	return -1, result.Error
}

func (c *client) Configs(topic string) (map[string]string, error) {
	ctx, cancel := timeout()
	defer cancel()
	resource := kafka.DescribeConfigRequestResource{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic}
	response, err := c.low.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{
		Resources: []kafka.DescribeConfigRequestResource{resource},
	})
	if err != nil {
		return nil, err
	}
	result := map[string]string{}
	for _, entry := range response.Resources[0].ConfigEntries {
		result[entry.ConfigName] = entry.ConfigValue
	}
	return result, response.Resources[0].Error
}

func (c *client) SetConfig(topic, name, value string) error {
	ctx, cancel := timeout()
	defer cancel()
	resource := kafka.IncrementalAlterConfigsRequestResource{
		ResourceType: kafka.ResourceTypeTopic, ResourceName: topic,
		Configs: []kafka.IncrementalAlterConfigsRequestConfig{
			{Name: name, Value: value, ConfigOperation: kafka.ConfigOperationSet},
		},
	}
	response, err := c.low.IncrementalAlterConfigs(ctx, &kafka.IncrementalAlterConfigsRequest{
		Resources: []kafka.IncrementalAlterConfigsRequestResource{resource},
	})
	if err != nil {
		return err
	}
	return response.Resources[0].Error
}

func (c *client) DeleteRecords(string, int, int64) (int64, error) {
	return 0, line.ErrAbsent
}

func (c *client) Brokers() ([]string, error) {
	ctx, cancel := timeout()
	defer cancel()
	response, err := c.low.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{}})
	if err != nil {
		return nil, err
	}
	var result []string
	for _, broker := range response.Brokers {
		result = append(result, fmt.Sprintf("%d\t%s:%d", broker.ID, strings.Trim(broker.Host, "[]"), broker.Port))
	}
	return result, nil
}
