import java.util.Base64;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * A Flink job that reads raw bytes until it is killed. Its argument says where it starts: "time", at the second of the
 * environment, or "committed", where the group stands. Prints a line for each record as the tours do.
 */
public class FlinkRead {
    public static void main(String[] args) throws Exception {
        StreamExecutionEnvironment flink = StreamExecutionEnvironment.getExecutionEnvironment();
        flink.setParallelism(1);
        flink.enableCheckpointing(200);
        KafkaSource<String> source = KafkaSource.<String>builder()
                .setBootstrapServers(System.getenv("WELLHEAD_BROKER"))
                .setTopics(System.getenv("WELLHEAD_TOPIC"))
                .setGroupId(System.getenv("WELLHEAD_GROUP"))
                .setStartingOffsets(
                        args[0].equals("time")
                                ? OffsetsInitializer.timestamp(Long.parseLong(System.getenv("WELLHEAD_SECOND")) * 1000)
                                : OffsetsInitializer.committedOffsets())
                .setDeserializer(new Lines())
                .setProperty("security.protocol", "SASL_PLAINTEXT")
                .setProperty("sasl.mechanism", "PLAIN")
                .setProperty("sasl.jaas.config",
                        "org.apache.kafka.common.security.plain.PlainLoginModule required username=\""
                                + System.getenv("WELLHEAD_USER") + "\" password=\""
                                + System.getenv("WELLHEAD_PASSWORD") + "\";")
                .build();
        flink.fromSource(source, WatermarkStrategy.noWatermarks(), "wellhead")
                .executeAndCollect()
                .forEachRemaining(System.out::println);
    }

    private static class Lines implements KafkaRecordDeserializationSchema<String> {
        @Override
        public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<String> out) {
            out.collect("{\"event\": \"record\", \"step\": \"flink\", \"offset\": " + record.offset()
                    + ", \"timestamp\": " + record.timestamp() + ", \"value\": \""
                    + Base64.getEncoder().encodeToString(record.value()) + "\"}");
        }

        @Override
        public TypeInformation<String> getProducedType() {
            return Types.STRING;
        }
    }
}
