// franz-go as a member of a group: see clients/README.md, "Members of groups".
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"rustlog/kafka-clients/franz"

	"github.com/twmb/franz-go/pkg/kgo"
)

var output sync.Mutex

func say(words ...any) {
	output.Lock()
	defer output.Unlock()
	line := strconv.FormatInt(time.Now().UnixMilli(), 10)
	for _, word := range words {
		line += "\t" + strings.ReplaceAll(fmt.Sprint(word), "\n", " ")
	}
	fmt.Println(line)
}

func number(text string) time.Duration {
	ms, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return time.Duration(ms) * time.Millisecond
}

// troubles says why the member can't be in the group, which its library tells nobody else.
type troubles struct{}

func (troubles) OnGroupManageError(err error) {
	say("trouble", err)
}

type member struct {
	client *kgo.Client
	topic  string
	// Processed records, to be committed. A rebalance is blocked while records are processed.
	processed map[int32]int64
}

func (m *member) commit(ctx context.Context) {
	if len(m.processed) == 0 {
		return
	}
	var words []any
	var records []*kgo.Record
	for partition, offset := range m.processed {
		words = append(words, fmt.Sprintf("%d=%d", partition, offset))
		records = append(records, &kgo.Record{Topic: m.topic, Partition: partition, Offset: offset - 1, LeaderEpoch: -1})
	}
	say(append([]any{"committing"}, words...)...)
	if err := m.client.CommitRecords(ctx, records...); err != nil {
		say("refused", err)
		return
	}
	say(append([]any{"committed"}, words...)...)
	m.processed = map[int32]int64{}
}

func (m *member) drop(partitions map[string][]int32) []any {
	var words []any
	for _, partition := range partitions[m.topic] {
		delete(m.processed, partition)
		words = append(words, partition)
	}
	return words
}

// produce sends a record every 50 ms, until it stops.
func produce(ctx context.Context, broker, topic, prefix string) {
	producer, err := kgo.NewClient(append(franz.Security(), kgo.SeedBrokers(broker), kgo.DefaultProduceTopic(topic))...)
	if err != nil {
		panic(err)
	}
	defer producer.Close()
	for i := 0; ctx.Err() == nil; i++ {
		value := fmt.Sprint(prefix, i)
		producer.Produce(context.Background(), kgo.StringRecord(value), func(_ *kgo.Record, err error) {
			if err == nil {
				say("sent", value)
			} else {
				say("unsent", value, err)
			}
		})
		time.Sleep(50 * time.Millisecond)
	}
	flushing, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = producer.Flush(flushing)
}

func main() {
	broker, group, topic, protocol := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	session, maxPoll, heartbeat, clientID := number(os.Args[5]), number(os.Args[6]), number(os.Args[7]), os.Args[8]
	ctx, stop := context.WithCancel(context.Background())
	pauses := make(chan time.Duration, 1)
	go func() {
		defer stop()
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			text, pauseMs := strings.CutPrefix(lines.Text(), "pause ")
			if !pauseMs {
				return
			}
			pauses <- number(text)
		}
	}()
	m := &member{topic: topic, processed: map[int32]int64{}}
	base := context.Background()
	if protocol == "consumer" {
		base = context.WithValue(base, "opt_in_kafka_next_gen_balancer_beta", true)
	}
	client, err := kgo.NewClient(append(franz.Security(),
		kgo.WithContext(base), kgo.SeedBrokers(broker), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.ClientID(clientID),
		kgo.Balancers(kgo.RoundRobinBalancer()), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		kgo.SessionTimeout(session), kgo.HeartbeatInterval(heartbeat), kgo.RebalanceTimeout(maxPoll),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(10*time.Millisecond),
		kgo.WithHooks(troubles{}),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
			say(append([]any{"assigned"}, m.drop(partitions)...)...)
		}),
		kgo.OnPartitionsRevoked(func(ctx context.Context, _ *kgo.Client, partitions map[string][]int32) {
			m.commit(ctx)
			say(append([]any{"revoked"}, m.drop(partitions)...)...)
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
			say(append([]any{"lost"}, m.drop(partitions)...)...)
		}),
	)...)
	if err != nil {
		panic(err)
	}
	m.client = client
	var producing sync.WaitGroup
	if prefix := os.Getenv("MEMBER_PRODUCES"); prefix != "" {
		producing.Go(func() { produce(ctx, broker, topic, prefix) })
	}
	for ctx.Err() == nil {
		polling, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		fetches := client.PollRecords(polling, 50)
		cancel()
		fetches.EachError(func(_ string, _ int32, err error) {
			if polling.Err() == nil {
				say("error", err)
			}
		})
		fetches.EachRecord(func(record *kgo.Record) {
			say("got", record.Partition, record.Offset, string(record.Value))
			m.processed[record.Partition] = record.Offset + 1
		})
		select {
		case pause := <-pauses:
			time.Sleep(pause)
		default:
		}
		committing, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		m.commit(committing)
		cancel()
		client.AllowRebalance()
	}
	producing.Wait()
	client.CloseAllowingRebalance()
	say("closed")
}
