// sarama behind the line protocol.
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"rustlog/kafka-clients/line"

	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"
)

type client struct {
	broker string
	// Which version of Kafka sarama is to expect: it decides the versions of requests.
	kafka  sarama.KafkaVersion
	admin  sarama.ClusterAdmin
	shared sarama.Client
}

// newConfig says how to connect and to log in, as the documentation of sarama does.
func newConfig() *sarama.Config {
	config := sarama.NewConfig()
	login := line.ReadLogin()
	if tls := login.TLS(); tls != nil {
		config.Net.TLS.Enable = true
		config.Net.TLS.Config = tls
	}
	if login.Mechanism == "" {
		return config
	}
	config.Net.SASL.Enable = true
	config.Net.SASL.Mechanism = sarama.SASLMechanism(login.Mechanism)
	config.Net.SASL.User = login.User
	config.Net.SASL.Password = login.Password
	switch login.Mechanism {
	case sarama.SASLTypeSCRAMSHA256:
		config.Net.SASL.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &scramClient{hash: scram.SHA256} }
	case sarama.SASLTypeSCRAMSHA512:
		config.Net.SASL.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &scramClient{hash: scram.SHA512} }
	case sarama.SASLTypeOAuth:
		config.Net.SASL.TokenProvider = token(login.Token)
	}
	return config
}

// scramClient is what sarama's examples use for SCRAM.
type scramClient struct {
	hash         scram.HashGeneratorFcn
	conversation *scram.ClientConversation
}

func (s *scramClient) Begin(user, password, authorization string) error {
	client, err := s.hash.NewClient(user, password, authorization)
	if err != nil {
		return err
	}
	s.conversation = client.NewConversation()
	return nil
}

func (s *scramClient) Step(challenge string) (string, error) { return s.conversation.Step(challenge) }

func (s *scramClient) Done() bool { return s.conversation.Done() }

type token string

func (t token) Token() (*sarama.AccessToken, error) {
	return &sarama.AccessToken{Token: string(t)}, nil
}

func main() {
	c := &client{broker: os.Args[len(os.Args)-1], kafka: sarama.MaxVersion}
	version := line.Version("github.com/IBM/sarama")
	if len(os.Args) > 2 {
		var err error
		if c.kafka, err = sarama.ParseKafkaVersion(os.Args[1]); err != nil {
			panic(err)
		}
		version += " as for Kafka " + os.Args[1]
	}
	config := newConfig()
	config.Version = c.kafka
	config.Metadata.Retry.Max = 0
	config.Metadata.AllowAutoTopicCreation = false
	var err error
	if c.shared, err = sarama.NewClient([]string{c.broker}, config); err != nil {
		panic(err)
	}
	if c.admin, err = sarama.NewClusterAdminFromClient(c.shared); err != nil {
		panic(err)
	}
	line.Serve(version, c)
}

func (c *client) Code(err error) int {
	var topicError *sarama.TopicError
	if errors.As(err, &topicError) {
		return int(topicError.Err)
	}
	var partitionError *sarama.TopicPartitionError
	if errors.As(err, &partitionError) {
		return int(partitionError.Err)
	}
	var known sarama.KError
	if errors.As(err, &known) {
		return int(known)
	}
	return 0
}

func (c *client) Create(topic string, partitions int, configs map[string]string) error {
	detail := &sarama.TopicDetail{NumPartitions: int32(partitions), ReplicationFactor: 1, ConfigEntries: map[string]*string{}}
	for name, value := range configs {
		detail.ConfigEntries[name] = &value
	}
	return c.admin.CreateTopic(topic, detail, false)
}

func (c *client) Partitions(topic string) (int, error) {
	described, err := c.admin.DescribeTopics([]string{topic})
	if err != nil {
		return 0, err
	}
	if described[0].Err != sarama.ErrNoError {
		return 0, described[0].Err
	}
	return len(described[0].Partitions), nil
}

func (c *client) AddPartitions(topic string, count int) error {
	return c.admin.CreatePartitions(topic, int32(count), nil, false)
}

func (c *client) Delete(topic string) error {
	return c.admin.DeleteTopic(topic)
}

var codecs = map[string]sarama.CompressionCodec{
	"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy,
	"lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
}

func (c *client) Produce(request line.Produce) ([]int64, error) {
	config := newConfig()
	config.Version = c.kafka
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Compression = codecs[request.Codec]
	config.Producer.RequiredAcks = sarama.RequiredAcks(request.Acks)
	config.Producer.Return.Successes = true
	config.Producer.Flush.Frequency = 5 * time.Millisecond
	config.Producer.Retry.Max = 20
	config.Metadata.Retry.Max = 1
	config.Metadata.Retry.Backoff = 10 * time.Millisecond
	config.Metadata.AllowAutoTopicCreation = false
	if request.Idempotent {
		config.Producer.Idempotent = true
		config.Net.MaxOpenRequests = 1
	}
	producer, err := sarama.NewSyncProducer([]string{c.broker}, config)
	if err != nil {
		return nil, err
	}
	defer producer.Close()
	messages := make([]*sarama.ProducerMessage, len(request.Records))
	for i, record := range request.Records {
		message := &sarama.ProducerMessage{
			Topic: request.Topic, Partition: int32(record.Partition), Timestamp: time.UnixMilli(record.Timestamp),
		}
		if record.Key != nil {
			message.Key = sarama.ByteEncoder(record.Key)
		}
		if record.Value != nil {
			message.Value = sarama.ByteEncoder(record.Value)
		}
		for _, header := range record.Headers {
			message.Headers = append(message.Headers, sarama.RecordHeader{Key: []byte(header.Name), Value: header.Value})
		}
		messages[i] = message
	}
	if err := producer.SendMessages(messages); err != nil {
		var failed sarama.ProducerErrors
		if errors.As(err, &failed) {
			return nil, failed[0].Err
		}
		return nil, err
	}
	if request.Acks == 0 {
		return nil, nil
	}
	offsets := make([]int64, len(messages))
	for i, message := range messages {
		offsets[i] = message.Offset
	}
	return offsets, nil
}

func (c *client) Consume(topic string, partition int, offset int64, count int, ready func(), found func(line.Record)) error {
	config := newConfig()
	config.Version = c.kafka
	config.Consumer.Return.Errors = true
	config.Consumer.MaxWaitTime = 100 * time.Millisecond
	if offset == -1 {
		end, err := c.Offset(topic, partition, "latest")
		if err != nil {
			return err
		}
		offset = end
	}
	consumer, err := sarama.NewConsumer([]string{c.broker}, config)
	if err != nil {
		return err
	}
	defer consumer.Close()
	records, err := consumer.ConsumePartition(topic, int32(partition), offset)
	if err != nil {
		return err
	}
	defer records.Close()
	ready()
	deadline := time.After(20 * time.Second)
	for n := 0; n < count; n++ {
		select {
		case message := <-records.Messages():
			record := line.Record{
				Partition: int(message.Partition), Offset: message.Offset, Timestamp: message.Timestamp.UnixMilli(),
				Key: message.Key, Value: message.Value,
			}
			for _, header := range message.Headers {
				record.Headers = append(record.Headers, line.Header{Name: string(header.Key), Value: header.Value})
			}
			found(record)
		case err := <-records.Errors():
			return err.Err
		case <-deadline:
			return fmt.Errorf("%d of %d records after 20 s", n, count)
		}
	}
	return nil
}

func (c *client) Offset(topic string, partition int, at string) (int64, error) {
	var timestamp int64
	switch at {
	case "earliest":
		timestamp = sarama.OffsetOldest
	case "latest":
		timestamp = sarama.OffsetNewest
	case "max":
		return 0, line.ErrAbsent
	default:
		var err error
		if timestamp, err = strconv.ParseInt(at, 10, 64); err != nil {
			return 0, err
		}
	}
	if err := c.shared.RefreshMetadata(topic); err != nil {
		return 0, err
	}
	return c.shared.GetOffset(topic, int32(partition), timestamp)
}

func (c *client) Configs(topic string) (map[string]string, error) {
	entries, err := c.admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: topic})
	if err != nil {
		return nil, err
	}
	result := map[string]string{}
	for _, entry := range entries {
		result[entry.Name] = entry.Value
	}
	return result, nil
}

func (c *client) SetConfig(topic, name, value string) error {
	if !c.kafka.IsAtLeast(sarama.V2_3_0_0) {
		return c.admin.AlterConfig(sarama.TopicResource, topic, map[string]*string{name: &value}, false)
	}
	entry := sarama.IncrementalAlterConfigsEntry{Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value}
	return c.admin.IncrementalAlterConfig(sarama.TopicResource, topic,
		map[string]sarama.IncrementalAlterConfigsEntry{name: entry}, false)
}

func (c *client) DeleteRecords(topic string, partition int, offset int64) (int64, error) {
	// sarama does not return the new log start.
	return -1, c.admin.DeleteRecords(topic, map[int32]int64{int32(partition): offset})
}

func (c *client) Brokers() ([]string, error) {
	brokers, _, err := c.admin.DescribeCluster()
	var result []string
	for _, broker := range brokers {
		result = append(result, fmt.Sprintf("%d\t%s", broker.ID(), broker.Addr()))
	}
	return result, err
}
