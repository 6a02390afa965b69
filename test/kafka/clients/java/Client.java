// Kafka's Java client behind the line protocol: KafkaProducer, KafkaConsumer with assign, and Admin.

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public final class Client {
    private static final HexFormat HEX = HexFormat.of();

    private final String broker;
    private final BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8), 1 << 20);
    private final PrintStream output = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    private final Admin admin;

    private Client(String broker) {
        this.broker = broker;
        this.admin = Admin.create(secured(Map.of("bootstrap.servers", broker, "request.timeout.ms", 10000, "default.api.timeout.ms", 15000)));
    }

    public static void main(String[] args) throws Exception {
        new Client(args[0]).serve();
        System.exit(0);
    }

    private static Map<String, Object> secured(Map<String, Object> configs) {
        Map<String, Object> all = new HashMap<>(configs);
        secure(all);
        return all;
    }

    /** Adds the properties of the file CLIENT_PROPERTIES. */
    static void secure(Map<String, Object> configs) {
        String file = System.getenv("CLIENT_PROPERTIES");
        if (file != null) {
            Properties properties = new Properties();
            try (InputStream stream = Files.newInputStream(Path.of(file))) {
                properties.load(stream);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            properties.forEach((name, value) -> configs.put((String) name, value));
        }
    }

    private void serve() throws Exception {
        for (String text = input.readLine(); text != null; text = input.readLine()) {
            try {
                answer(text.split("\t", -1));
                output.println(".ok");
            } catch (UnsupportedOperationException e) {
                output.println(".absent");
            } catch (Exception e) {
                Throwable cause = e instanceof ExecutionException ? e.getCause() : e;
                // The consumer's exception of this name is not the one that stands for the error code.
                boolean outOfRange = cause instanceof OffsetOutOfRangeException;
                Errors error = outOfRange ? Errors.OFFSET_OUT_OF_RANGE : Errors.forException(cause);
                int code = Math.max(0, error.code());
                output.println(".error\t" + code + "\t" + cause.toString().replace('\n', ' '));
            }
            output.flush();
        }
    }

    private void answer(String[] words) throws Exception {
        String topic = words.length > 1 ? words[1] : "";
        switch (words[0]) {
            case "version" -> output.println(version());
            case "create" -> {
                Map<String, String> configs = new HashMap<>();
                for (int i = 3; i < words.length; i++) {
                    String[] pair = words[i].split("=", 2);
                    configs.put(pair[0], pair[1]);
                }
                NewTopic created = new NewTopic(topic, Optional.of(Integer.parseInt(words[2])), Optional.empty());
                admin.createTopics(List.of(created.configs(configs))).all().get();
            }
            case "partitions" -> output.println(
                admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size());
            case "add-partitions" ->
                admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(Integer.parseInt(words[2])))).all().get();
            case "delete" -> admin.deleteTopics(List.of(topic)).all().get();
            case "produce" -> produce(words);
            case "consume" -> consume(topic, Integer.parseInt(words[2]), Long.parseLong(words[3]), Integer.parseInt(words[4]));
            case "offset" -> output.println(offset(new TopicPartition(topic, Integer.parseInt(words[2])), words[3]));
            case "configs" -> {
                ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
                Config config = admin.describeConfigs(List.of(resource)).all().get().get(resource);
                for (ConfigEntry entry : config.entries()) {
                    output.println(entry.name() + "=" + entry.value());
                }
            }
            case "set-config" -> {
                ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
                AlterConfigOp change = new AlterConfigOp(new ConfigEntry(words[2], words[3]), AlterConfigOp.OpType.SET);
                Map<ConfigResource, Collection<AlterConfigOp>> changes = Map.of(resource, List.of(change));
                admin.incrementalAlterConfigs(changes).all().get();
            }
            case "delete-records" -> {
                TopicPartition partition = new TopicPartition(topic, Integer.parseInt(words[2]));
                RecordsToDelete before = RecordsToDelete.beforeOffset(Long.parseLong(words[3]));
                output.println(
                    admin.deleteRecords(Map.of(partition, before)).lowWatermarks().get(partition).get().lowWatermark());
            }
            case "brokers" -> {
                for (Node node : admin.describeCluster().nodes().get()) {
                    output.println(node.id() + "\t" + node.host() + ":" + node.port());
                }
            }
            default -> throw new UnsupportedOperationException();
        }
    }

    private static String version() throws IOException {
        Properties properties = new Properties();
        try (InputStream stream = Admin.class.getResourceAsStream("/kafka/kafka-version.properties")) {
            properties.load(stream);
        }
        return properties.getProperty("version");
    }

    private void produce(String[] words) throws Exception {
        List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
        for (int i = Integer.parseInt(words[5]); i > 0; i--) {
            String[] parts = input.readLine().split("\t", -1);
            List<Header> headers = new ArrayList<>();
            for (int j = 4; j < parts.length; j++) {
                String[] pair = parts[j].split("=", -1);
                headers.add(new RecordHeader(new String(bytes(pair[0]), StandardCharsets.UTF_8), bytes(pair[1])));
            }
            records.add(new ProducerRecord<>(
                words[1], Integer.parseInt(parts[0]), Long.parseLong(parts[1]), bytes(parts[2]), bytes(parts[3]), headers));
        }
        Map<String, Object> configs = new HashMap<>(Map.of(
            "bootstrap.servers", broker, "compression.type", words[2], "acks", words[3],
            "enable.idempotence", words[4], "linger.ms", 5, "max.block.ms", 3000, "request.timeout.ms", 10000, "delivery.timeout.ms", 15000));
        configs.put("max.request.size", 8 << 20);
        if (!words[3].equals("-1")) {
            configs.put("enable.idempotence", false);
        }
        var serializer = new ByteArraySerializer();
        try (var producer = new KafkaProducer<>(secured(configs), serializer, serializer)) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (var record : records) {
                sent.add(producer.send(record));
            }
            producer.flush();
            for (Future<RecordMetadata> one : sent) {
                long offset = one.get().offset();
                if (!words[3].equals("0")) {
                    output.println(offset);
                }
            }
        }
    }

    private void consume(String topic, int partition, long offset, int count) throws Exception {
        Map<String, Object> configs = Map.of(
            "bootstrap.servers", broker, "auto.offset.reset", "none", "fetch.max.wait.ms", 100, "request.timeout.ms", 10000, "default.api.timeout.ms", 15000);
        var deserializer = new ByteArrayDeserializer();
        try (var consumer = new KafkaConsumer<>(secured(configs), deserializer, deserializer)) {
            var assigned = new TopicPartition(topic, partition);
            consumer.assign(List.of(assigned));
            if (offset < 0) {
                consumer.seekToEnd(List.of(assigned));
                consumer.position(assigned);
                output.println("ready");
                output.flush();
            } else {
                consumer.seek(assigned, offset);
            }
            long deadline = System.nanoTime() + 20_000_000_000L;
            int n = 0;
            while (n < count) {
                if (System.nanoTime() > deadline) {
                    throw new Exception(n + " of " + count + " records after 20 s");
                }
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) {
                    if (n++ < count) {
                        output.println(format(record));
                    }
                }
            }
        }
    }

    private long offset(TopicPartition partition, String at) throws Exception {
        OffsetSpec spec = switch (at) {
            case "earliest" -> OffsetSpec.earliest();
            case "latest" -> OffsetSpec.latest();
            case "max" -> OffsetSpec.maxTimestamp();
            default -> OffsetSpec.forTimestamp(Long.parseLong(at));
        };
        return admin.listOffsets(Map.of(partition, spec)).partitionResult(partition).get().offset();
    }

    private static String format(ConsumerRecord<byte[], byte[]> record) {
        StringBuilder line = new StringBuilder();
        line.append(record.partition()).append('\t').append(record.offset()).append('\t').append(record.timestamp());
        line.append('\t').append(text(record.key())).append('\t').append(text(record.value()));
        for (Header header : record.headers()) {
            line.append('\t').append(text(header.key().getBytes(StandardCharsets.UTF_8)));
            line.append('=').append(text(header.value()));
        }
        return line.toString();
    }

    private static byte[] bytes(String text) {
        return text.equals("-") ? null : HEX.parseHex(text);
    }

    private static String text(byte[] bytes) {
        return bytes == null ? "-" : HEX.formatHex(bytes);
    }
}
