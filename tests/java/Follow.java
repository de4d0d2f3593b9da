import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.Collection;
import java.util.Collections;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Follows a topic as a member of a group, in the group protocol that is named, until its input ends; then it leaves.
 * Arguments are broker, topic, group id, user, password and protocol. Prints what it is told about partitions and, once
 * it is committed, the offset of each record.
 */
public class Follow {
    private static volatile boolean ended;

    public static void main(String[] args) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", args[0]);
        settings.put("group.id", args[2]);
        settings.put("group.protocol", args[5]);
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", "false");
        settings.put("security.protocol", "SASL_PLAINTEXT");
        settings.put("sasl.mechanism", "PLAIN");
        settings.put("sasl.jaas.config", "org.apache.kafka.common.security.plain.PlainLoginModule required username=\""
                + args[3] + "\" password=\"" + args[4] + "\";");
        settings.put("key.deserializer", ByteArrayDeserializer.class.getName());
        settings.put("value.deserializer", ByteArrayDeserializer.class.getName());
        Thread ending = new Thread(Follow::waitForEnd);
        ending.setDaemon(true);
        ending.start();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings)) {
            consumer.subscribe(Collections.singletonList(args[1]), new Told());
            while (!ended) {
                long last = -1;
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    last = record.offset();
                }
                if (last >= 0) {
                    consumer.commitSync();
                    System.out.println("committed " + (last + 1));
                }
            }
        }
        System.out.println("left");
    }

    private static void waitForEnd() {
        try {
            BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
            while (input.readLine() != null) {
                continue;
            }
        } catch (java.io.IOException broken) {
            // Whoever wrote is gone, which is an end, too.
        }
        ended = true;
    }

    private static class Told implements ConsumerRebalanceListener {
        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
            System.out.println("assigned " + partitions.size());
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
            System.out.println("revoked " + partitions.size());
        }

        @Override
        public void onPartitionsLost(Collection<TopicPartition> partitions) {
            System.out.println("lost " + partitions.size());
        }
    }
}
