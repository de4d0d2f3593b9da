import java.io.IOException;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * The tour of tests/clients/README.md on Apache Kafka's own client. Compiled once against the oldest version and run
 * with every one: calls that came or went since are looked up by name.
 */
public class Tour {
    private static final PrintStream OUT = new PrintStream(System.out, true);
    private static final String GROUP = System.getenv("WELLHEAD_GROUP");
    private static final int COUNT = Integer.parseInt(System.getenv("WELLHEAD_COUNT"));
    private static final TopicPartition PARTITION = new TopicPartition(System.getenv("WELLHEAD_TOPIC"), 0);
    private static final List<TopicPartition> PARTITIONS = Collections.singletonList(PARTITION);
    private static final long DEADLINE = System.nanoTime() + Duration.ofSeconds(180).toNanos();

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final List<ConsumerRecord<byte[], byte[]>> taken = new ArrayList<>();

    private Tour() throws IOException {
        consumer = new KafkaConsumer<>(properties());
    }

    public static void main(String[] args) throws Exception {
        assigned();
        subscribed();
        new Tour().rejoin();
        say("done", "");
    }

    /** Steps 1 to 6: without membership. */
    private static void assigned() throws Exception {
        Tour tour = new Tour();
        KafkaConsumer<byte[], byte[]> consumer = tour.consumer;
        consumer.assign(PARTITIONS);
        consumer.seekToBeginning(PARTITIONS);
        long next = tour.read("assign", COUNT);
        try {
            say("range", ", \"beginning\": " + tour.bound("beginningOffsets") + ", \"end\": " + tour.bound("endOffsets"));
        } catch (NoSuchMethodException before_0_10_1) {
            say("cannot", ", \"step\": \"range\"");
        }
        consumer.seek(PARTITION, tour.offsetOfSecond());
        tour.read("seek", 1);
        consumer.pause(PARTITIONS);
        int came = tour.taken.size();
        for (int polls = 0; polls < 3; polls++) {
            came += tour.poll().count();
        }
        say("paused", ", \"records\": " + came);
        consumer.resume(PARTITIONS);
        tour.read("resume", 1);
        consumer.commitSync(Collections.singletonMap(PARTITION, new OffsetAndMetadata(next, "1712905965|tour")));
        tour.sayCommitted();
        consumer.close();
    }

    /** Step 7: as the group's member, from the commit on. */
    private static void subscribed() throws Exception {
        Tour tour = new Tour();
        tour.subscribe(true);
        long next = tour.read("subscribe", COUNT);
        tour.consumer.commitSync(Collections.singletonMap(PARTITION, new OffsetAndMetadata(next)));
        tour.sayCommitted();
        tour.consumer.close();
    }

    /** Step 8. */
    private void rejoin() throws Exception {
        subscribe(false);
        read("rejoin", 1);
        consumer.close();
    }

    private void subscribe(boolean aloud) {
        consumer.subscribe(Collections.singletonList(PARTITION.topic()), new ConsumerRebalanceListener() {
            @Override
            public void onPartitionsRevoked(Collection<TopicPartition> partitions) {}

            @Override
            public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
                if (aloud && !partitions.isEmpty()) {
                    say("assigned", ", \"partitions\": [" + partitions.iterator().next().partition() + "]");
                }
            }
        });
    }

    /** Reads so many records, whatever one poll brings, and goes back to the first that it does not want. */
    private long read(String step, int count) throws Exception {
        taken.clear();
        while (taken.size() < count) {
            if (System.nanoTime() > DEADLINE) {
                throw new IllegalStateException(step + ": " + taken.size() + " of " + count + " records came in time");
            }
            poll().forEach(taken::add);
        }
        for (ConsumerRecord<byte[], byte[]> record : taken.subList(0, count)) {
            say("record", ", \"step\": \"" + step + "\", \"offset\": " + record.offset() + ", \"timestamp\": "
                    + record.timestamp() + ", \"key\": " + base64(record.key()) + ", \"value\": " + base64(record.value()));
        }
        long next = taken.get(count - 1).offset() + 1;
        consumer.seek(PARTITION, next);
        taken.clear();
        return next;
    }

    /** poll(Duration) came with 2.0, and poll(long) went with 4.0. */
    @SuppressWarnings("unchecked")
    private ConsumerRecords<byte[], byte[]> poll() throws Exception {
        try {
            return (ConsumerRecords<byte[], byte[]>) call("poll", Duration.class, Duration.ofMillis(200));
        } catch (NoSuchMethodException before_2_0) {
            return (ConsumerRecords<byte[], byte[]>) call("poll", long.class, 200L);
        }
    }

    private Object bound(String name) throws Exception {
        return ((Map<?, ?>) call(name, Collection.class, PARTITIONS)).get(PARTITION);
    }

    /** Asked since 0.10.1; the oldest client finds the second by reading on. */
    private long offsetOfSecond() throws Exception {
        long second = Long.parseLong(System.getenv("WELLHEAD_SECOND"));
        try {
            Map<?, ?> found = (Map<?, ?>) call("offsetsForTimes", Map.class, Collections.singletonMap(PARTITION, second));
            Object place = found.get(PARTITION);
            long offset = (long) place.getClass().getMethod("offset").invoke(place);
            say("time", ", \"offset\": " + offset + ", \"timestamp\": "
                    + place.getClass().getMethod("timestamp").invoke(place));
            return offset;
        } catch (NoSuchMethodException before_0_10_1) {
            say("cannot", ", \"step\": \"time\"");
            consumer.seekToBeginning(PARTITIONS);
            while (true) {
                for (ConsumerRecord<byte[], byte[]> record : poll()) {
                    if (record.timestamp() >= second * 1000) {
                        return record.offset();
                    }
                }
            }
        }
    }

    /** committed(Set) came with 2.4, and committed(TopicPartition) went with 4.0. */
    private void sayCommitted() throws Exception {
        OffsetAndMetadata committed;
        try {
            Map<?, ?> all = (Map<?, ?>) call("committed", java.util.Set.class, Collections.singleton(PARTITION));
            committed = (OffsetAndMetadata) all.get(PARTITION);
        } catch (NoSuchMethodException before_2_4) {
            committed = (OffsetAndMetadata) call("committed", TopicPartition.class, PARTITION);
        }
        say("committed", ", \"offset\": " + committed.offset() + ", \"metadata\": \"" + committed.metadata() + "\"");
    }

    private Object call(String name, Class<?> type, Object argument) throws Exception {
        Method method = KafkaConsumer.class.getMethod(name, type);
        try {
            return method.invoke(consumer, argument);
        } catch (InvocationTargetException failed) {
            throw failed.getCause() instanceof Exception ? (Exception) failed.getCause() : failed;
        }
    }

    private static void say(String event, String more) {
        OUT.println("{\"event\": \"" + event + "\"" + more + "}");
    }

    private static String base64(byte[] bytes) {
        return bytes == null ? "null" : '"' + Base64.getEncoder().encodeToString(bytes) + '"';
    }

    private static Properties properties() throws IOException {
        String login = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\""
                + System.getenv("WELLHEAD_USER") + "\" password=\"" + System.getenv("WELLHEAD_PASSWORD") + "\";";
        Properties properties = new Properties();
        properties.put("bootstrap.servers", System.getenv("WELLHEAD_BROKER"));
        properties.put("group.id", GROUP);
        properties.put("enable.auto.commit", "false");
        properties.put("auto.offset.reset", "earliest");
        properties.put("key.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer");
        properties.put("value.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer");
        properties.put("security.protocol", "SASL_PLAINTEXT");
        properties.put("sasl.mechanism", "PLAIN");
        properties.put("sasl.jaas.config", login);
        loginOfOldClients(login);
        String more = System.getenv("TOUR_PROPERTIES");
        if (more != null) {
            for (String property : more.split(" ")) {
                properties.put(property.split("=")[0], property.split("=")[1]);
            }
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
