import java.util.Collections;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * What Alibaba's Flink connector for DTS asks of a broker, on the Kafka client that it is built on: the partitions of
 * the topic, a start by a second, a restore right behind the offset of a second, a start at a second that nothing has
 * reached, and commits without metadata. Says each as a line of JSON.
 */
public class DtsConnector {
    public static void main(String[] args) {
        String topic = System.getenv("WELLHEAD_TOPIC");
        long second = Long.parseLong(System.getenv("WELLHEAD_SECOND"));
        TopicPartition partition = new TopicPartition(topic, 0);
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(properties())) {
            say("partitions", consumer.partitionsFor(topic).size());
            consumer.assign(Collections.singletonList(partition));
            long start = offsetOf(consumer, partition, second).offset();
            say("start", start);
            consumer.seek(partition, start + 1);
            ConsumerRecord<byte[], byte[]> first = null;
            while (first == null) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(200)) {
                    first = first == null ? record : first;
                }
            }
            say("restored", first.offset());
            say("in the future", offsetOf(consumer, partition, second + 3600) == null ? -1 : 0);
            consumer.commitSync(Collections.singletonMap(partition, new OffsetAndMetadata(first.offset() + 1)));
            say("metadata", consumer.committed(partition).metadata().length());
        }
    }

    private static OffsetAndTimestamp offsetOf(KafkaConsumer<?, ?> consumer, TopicPartition partition, long second) {
        Map<TopicPartition, Long> asked = Collections.singletonMap(partition, second);
        return consumer.offsetsForTimes(asked).get(partition);
    }

    private static void say(String what, long number) {
        System.out.println("{\"event\": \"" + what + "\", \"number\": " + number + "}");
    }

    private static Properties properties() {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", System.getenv("WELLHEAD_BROKER"));
        properties.put("group.id", System.getenv("WELLHEAD_GROUP"));
        properties.put("enable.auto.commit", "false");
        properties.put("auto.offset.reset", "earliest");
        properties.put("key.deserializer", ByteArrayDeserializer.class);
        properties.put("value.deserializer", ByteArrayDeserializer.class);
        properties.put("security.protocol", "SASL_PLAINTEXT");
        properties.put("sasl.mechanism", "PLAIN");
        properties.put("sasl.jaas.config", "org.apache.kafka.common.security.plain.PlainLoginModule required username=\""
                + System.getenv("WELLHEAD_USER") + "\" password=\"" + System.getenv("WELLHEAD_PASSWORD") + "\";");
        return properties;
    }
}
