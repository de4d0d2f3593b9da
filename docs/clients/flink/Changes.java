import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;

/** A Flink job that prints the row changes of a topic as lines of JSON, from where its group stands. */
public class Changes {
    static final String BROKER = setting("WELLHEAD_BROKER", "127.0.0.1:9092");
    static final String TOPIC = setting("WELLHEAD_TOPIC", "shop");
    static final String GROUP = setting("WELLHEAD_GROUP", "dtsgroupid");
    static final String USER = setting("WELLHEAD_USER", "reader-dtsgroupid");
    static final String PASSWORD = setting("WELLHEAD_PASSWORD", "Secret_123");

    public static void main(String[] args) throws Exception {
        var flink = StreamExecutionEnvironment.getExecutionEnvironment();
        flink.setParallelism(1); // the topic has one partition, which keeps the order
        flink.enableCheckpointing(1000); // the group's offset in Wellhead is moved with each

        var source = KafkaSource.<String>builder()
                .setBootstrapServers(BROKER)
                .setTopics(TOPIC)
                .setGroupId(GROUP)
                .setStartingOffsets(OffsetsInitializer.committedOffsets(OffsetResetStrategy.EARLIEST))
                .setDeserializer(new RowChanges())
                .setProperties(login())
                .build();
        try (var changes = flink.fromSource(source, WatermarkStrategy.noWatermarks(), TOPIC).executeAndCollect()) {
            changes.forEachRemaining(System.out::println);
        }
    }

    /** A record's value as a line of JSON; what is not a row change is left out. */
    static class RowChanges implements KafkaRecordDeserializationSchema<String> {
        private transient GenericDatumReader<GenericRecord> reader;
        private transient ObjectMapper json;

        @Override
        public void deserialize(ConsumerRecord<byte[], byte[]> message, Collector<String> out) throws IOException {
            if (reader == null) {
                // The file is a list of named types; the last one is the record.
                List<Schema> types = new Schema.Parser().parse(new File("../record.avsc")).getTypes();
                reader = new GenericDatumReader<>(types.get(types.size() - 1));
                json = new ObjectMapper();
            }
            GenericRecord record = reader.read(null, DecoderFactory.get().binaryDecoder(message.value(), null));
            String operation = record.get("operation").toString();
            if (!List.of("INSERT", "UPDATE", "DELETE").contains(operation)) {
                return; // BEGIN, COMMIT, DDL, and a heartbeat every few seconds
            }
            Map<String, Object> change = new LinkedHashMap<>();
            change.put("offset", message.offset());
            change.put("operation", operation);
            change.put("table", record.get("objectName").toString());
            change.put("before", image(record, "beforeImages"));
            change.put("after", image(record, "afterImages"));
            out.collect(json.writeValueAsString(change));
        }

        @Override
        public TypeInformation<String> getProducedType() {
            return Types.STRING;
        }
    }

    /** One side of a row as {column: text}; null where there is none. */
    static Map<String, String> image(GenericRecord record, String side) {
        if (!(record.get(side) instanceof List<?> values)) {
            return null;
        }
        Map<String, String> image = new LinkedHashMap<>();
        var names = ((List<?>) record.get("fields")).iterator();
        for (Object value : values) {
            image.put(((GenericRecord) names.next()).get("name").toString(), text(value));
        }
        return image;
    }

    /** Numbers come as digits, text as bytes with the name of its charset; null is SQL NULL. */
    static String text(Object value) {
        if (!(value instanceof GenericRecord typed) || !typed.hasField("value")) {
            return value == null ? null : value.toString();
        }
        if (!(typed.get("value") instanceof ByteBuffer bytes)) {
            return typed.get("value").toString();
        }
        byte[] raw = new byte[bytes.remaining()];
        bytes.duplicate().get(raw);
        if (!typed.hasField("charset")) {
            return HexFormat.of().formatHex(raw);
        }
        String charset = typed.get("charset").toString();
        return new String(raw, Charset.forName(charset.equals("utf8mb4") ? "UTF-8" : charset));
    }

    static Properties login() {
        var properties = new Properties();
        if (!USER.isEmpty()) { // `wellhead tap` asks for no login
            properties.put("security.protocol", "SASL_PLAINTEXT");
            properties.put("sasl.mechanism", "PLAIN");
            properties.put("sasl.jaas.config", "org.apache.kafka.common.security.plain.PlainLoginModule required"
                    + " username=\"" + USER + "\" password=\"" + PASSWORD + "\";");
        }
        return properties;
    }

    static String setting(String name, String otherwise) {
        return System.getenv().getOrDefault(name, otherwise);
    }
}
