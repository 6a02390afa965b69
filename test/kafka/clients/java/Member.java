// A member of a consumer group with Kafka's Java client: see README.md, "Members of groups".

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public final class Member implements ConsumerRebalanceListener {
    private final KafkaConsumer<String, String> consumer;
    private final Map<TopicPartition, OffsetAndMetadata> processed = new HashMap<>();
    private final AtomicBoolean stops = new AtomicBoolean();
    private final AtomicLong pauseMs = new AtomicLong();

    private Member(Map<String, Object> settings) {
        consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
    }

    public static void main(String[] args) throws Exception {
        Map<String, Object> settings = new HashMap<>(Map.of(
            "bootstrap.servers", args[0], "group.id", args[1], "group.protocol", args[3],
            "enable.auto.commit", false, "auto.offset.reset", "earliest", "max.poll.interval.ms", Integer.parseInt(args[5]),
            "client.id", args[7], "max.poll.records", 50, "reconnect.backoff.max.ms", 200));
        if (args[3].equals("classic")) {
            settings.put("session.timeout.ms", Integer.parseInt(args[4]));
            settings.put("heartbeat.interval.ms", Integer.parseInt(args[6]));
            settings.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer.RoundRobinAssignor");
        }
        Client.secure(settings);
        Member member = new Member(settings);
        String prefix = System.getenv("MEMBER_PRODUCES");
        if (prefix != null) {
            Thread producing = new Thread(() -> member.produce(args[0], args[2], prefix));
            producing.start();
        }
        Thread commands = new Thread(member::readCommands);
        commands.setDaemon(true);
        commands.start();
        member.run(args[2]);
    }

    private void readCommands() {
        try (BufferedReader input = new BufferedReader(new InputStreamReader(System.in))) {
            for (String text = input.readLine(); text != null; text = input.readLine()) {
                if (text.startsWith("pause ")) {
                    pauseMs.set(Long.parseLong(text.substring(6)));
                } else {
                    break;
                }
            }
        } catch (java.io.IOException e) {
            say("error", e);
        }
        stops.set(true);
        consumer.wakeup();
    }

    /** Sends a record every 50 ms, until it stops. */
    private void produce(String broker, String topic, String prefix) {
        Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", broker, "reconnect.backoff.max.ms", 200, "max.block.ms", 5000));
        Client.secure(settings);
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            for (int i = 0; !stops.get(); i++) {
                String value = prefix + i;
                producer.send(new ProducerRecord<>(topic, value), (sent, error) -> {
                    if (error == null) {
                        say("sent", value);
                    } else {
                        say("unsent", value, error);
                    }
                });
                Thread.sleep(50);
            }
        } catch (Exception e) {
            say("error", e);
        }
    }

    private void run(String topic) throws InterruptedException {
        consumer.subscribe(List.of(topic), this);
        while (!stops.get()) {
            try {
                ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(100));
                for (ConsumerRecord<String, String> record : records) {
                    say("got", record.partition(), record.offset(), record.value());
                    processed.put(new TopicPartition(topic, record.partition()), new OffsetAndMetadata(record.offset() + 1));
                }
                long ms = pauseMs.getAndSet(0);
                if (ms > 0) {
                    Thread.sleep(ms);
                }
                commit();
            } catch (WakeupException e) {
                // It stops.
            } catch (Exception e) {
                say("error", e);
            }
        }
        consumer.close();
        say("closed");
    }

    private void commit() {
        if (processed.isEmpty()) {
            return;
        }
        String offsets = processed.entrySet().stream().map(one -> one.getKey().partition() + "=" + one.getValue().offset())
            .collect(Collectors.joining("\t"));
        say("committing", offsets);
        try {
            consumer.commitSync(processed);
            say("committed", offsets);
            processed.clear();
        } catch (WakeupException e) {
            // It may have been committed; closing comes next, and gives the partitions back.
            throw e;
        } catch (Exception e) {
            say("refused", e);
        }
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        say("assigned", list(partitions));
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        commit();
        processed.keySet().removeAll(partitions);
        say("revoked", list(partitions));
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> partitions) {
        processed.keySet().removeAll(partitions);
        say("lost", list(partitions));
    }

    private static String list(Collection<TopicPartition> partitions) {
        return partitions.stream().map(one -> "" + one.partition()).collect(Collectors.joining("\t"));
    }

    private static synchronized void say(Object... words) {
        StringBuilder line = new StringBuilder().append(System.currentTimeMillis());
        for (Object word : words) {
            line.append('\t').append(("" + word).replace('\n', ' '));
        }
        System.out.println(line);
        System.out.flush();
    }
}
