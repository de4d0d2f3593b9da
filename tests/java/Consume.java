import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.Collections;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * Reads so many records and prints each as its offset and its value in base64. Runs on every kafka-clients from
 * 0.10 on: arguments are broker, topic, start (beginning, committed or seconds), count, group, and optionally
 * user and password. The property `sasl.mechanism` says how to log in.
 */
public class Consume {
    public static void main(String[] args) throws Exception {
        String start = args[2];
        int count = Integer.parseInt(args[3]);
        TopicPartition partition = new TopicPartition(args[1], 0);
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();

        KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(properties(args));
        try {
            position(consumer, partition, start);
            int taken = 0;
            long next = 0;
            while (taken < count) {
                if (System.nanoTime() > deadline) {
                    throw new IllegalStateException(taken + " of " + count + " records came in time");
                }
                for (ConsumerRecord<byte[], byte[]> record : poll(consumer)) {
                    if (taken == count) {
                        break;
                    }
                    System.out.println(record.offset() + " " + Base64.getEncoder().encodeToString(record.value()));
                    next = record.offset() + 1;
                    taken++;
                }
            }
            if (start.equals("committed")) {
                consumer.commitSync(Collections.singletonMap(partition, new OffsetAndMetadata(next)));
            }
        } finally {
            consumer.close();
        }
    }

    private static void position(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition, String start)
            throws Exception {
        if (start.equals("committed")) {
            consumer.subscribe(Collections.singletonList(partition.topic()));
            return;
        }
        consumer.assign(Collections.singletonList(partition));
        if (start.equals("beginning")) {
            consumer.seekToBeginning(Collections.singletonList(partition));
            return;
        }
        consumer.seek(partition, offsetOf(consumer, partition, Long.parseLong(start)));
    }

    /** Offsets are asked by time since 0.10.1; the oldest client reads until a record's own time is late enough. */
    private static long offsetOf(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition, long second)
            throws Exception {
        Method ask;
        try {
            ask = KafkaConsumer.class.getMethod("offsetsForTimes", Map.class);
        } catch (NoSuchMethodException older) {
            consumer.seekToBeginning(Collections.singletonList(partition));
            while (true) {
                for (ConsumerRecord<byte[], byte[]> record : poll(consumer)) {
                    if (record.timestamp() >= second * 1000) {
                        return record.offset();
                    }
                }
            }
        }
        Object found = ((Map<?, ?>) ask.invoke(consumer, Collections.singletonMap(partition, second))).get(partition);
        if (found == null) {
            throw new IllegalStateException("no record at or after " + second);
        }
        return (long) found.getClass().getMethod("offset").invoke(found);
    }

    /** poll(Duration) came with 2.0, and poll(long) went with 4.0. */
    @SuppressWarnings("unchecked")
    private static ConsumerRecords<byte[], byte[]> poll(KafkaConsumer<byte[], byte[]> consumer) throws Exception {
        try {
            Method poll = KafkaConsumer.class.getMethod("poll", Duration.class);
            return (ConsumerRecords<byte[], byte[]>) poll.invoke(consumer, Duration.ofMillis(200));
        } catch (NoSuchMethodException older) {
            Method poll = KafkaConsumer.class.getMethod("poll", long.class);
            return (ConsumerRecords<byte[], byte[]>) poll.invoke(consumer, 200L);
        }
    }

    private static Properties properties(String[] args) throws IOException {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", args[0]);
        properties.put("group.id", args[4]);
        properties.put("enable.auto.commit", "false");
        properties.put("auto.offset.reset", "earliest");
        properties.put("key.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer");
        properties.put("value.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer");
        if (args.length > 6) {
            properties.put("security.protocol", "SASL_PLAINTEXT");
            String mechanism = System.getProperty("sasl.mechanism", "PLAIN");
            properties.put("sasl.mechanism", mechanism);
            String module = mechanism.equals("PLAIN") ? "plain.PlainLoginModule" : "scram.ScramLoginModule";
            String login = "org.apache.kafka.common.security." + module + " required username=\""
                    + args[5] + "\" password=\"" + args[6] + "\";";
            properties.put("sasl.jaas.config", login);
            loginOfOldClients(login);
        }
        return properties;
    }

    /** `sasl.jaas.config` came with 0.10.2; before, the login is in a file that the whole process uses. */
    private static void loginOfOldClients(String login) throws IOException {
        Path file = Files.createTempFile("jaas", ".conf");
        file.toFile().deleteOnExit();
        Files.write(file, ("KafkaClient {\n" + login + "\n};\n").getBytes(StandardCharsets.UTF_8));
        System.setProperty("java.security.auth.login.config", file.toString());
    }
}
