import java.time.Duration;
import java.util.Collections;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

/**
 * Reads so many records from the beginning under TLS and prints their offsets. Arguments are broker, topic, count,
 * file of the authority, user and password.
 */
public class Secured {
    public static void main(String[] args) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", args[0]);
        properties.put("security.protocol", "SASL_SSL");
        properties.put("ssl.truststore.type", "PEM");
        properties.put("ssl.truststore.location", args[3]);
        properties.put("sasl.mechanism", "PLAIN");
        properties.put("sasl.jaas.config", "org.apache.kafka.common.security.plain.PlainLoginModule required"
            + " username=\"" + args[4] + "\" password=\"" + args[5] + "\";");
        String bytes = "org.apache.kafka.common.serialization.ByteArrayDeserializer";
        properties.put("key.deserializer", bytes);
        properties.put("value.deserializer", bytes);
        int count = Integer.parseInt(args[2]);
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        TopicPartition partition = new TopicPartition(args[1], 0);
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(properties)) {
            consumer.assign(Collections.singletonList(partition));
            consumer.seekToBeginning(Collections.singletonList(partition));
            int taken = 0;
            while (taken < count) {
                if (System.nanoTime() > deadline) {
                    throw new IllegalStateException(taken + " of " + count + " records came in time");
                }
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) {
                    if (taken < count) {
                        System.out.println(record.offset());
                        taken++;
                    }
                }
            }
        }
    }
}
