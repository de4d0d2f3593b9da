import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.time.Duration;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Prints the row changes of a topic as lines of JSON, from where its group stands. */
public class Consume {
    static final String BROKER = setting("WELLHEAD_BROKER", "127.0.0.1:9092");
    static final String TOPIC = setting("WELLHEAD_TOPIC", "shop");
    static final String GROUP = setting("WELLHEAD_GROUP", "dtsgroupid");
    static final String USER = setting("WELLHEAD_USER", "reader-dtsgroupid");
    static final String PASSWORD = setting("WELLHEAD_PASSWORD", "Secret_123");

    public static void main(String[] args) throws Exception {
        // The file is a list of named types; the last one is the record.
        List<Schema> types = new Schema.Parser().parse(new File("../record.avsc")).getTypes();
        var reader = new GenericDatumReader<GenericRecord>(types.get(types.size() - 1));
        var json = new ObjectMapper();

        try (var consumer = new KafkaConsumer<byte[], byte[]>(properties())) {
            consumer.subscribe(List.of(TOPIC));
            while (true) {
                for (ConsumerRecord<byte[], byte[]> message : consumer.poll(Duration.ofSeconds(1))) {
                    var value = DecoderFactory.get().binaryDecoder(message.value(), null);
                    GenericRecord record = reader.read(null, value);
                    String operation = record.get("operation").toString();
                    if (!List.of("INSERT", "UPDATE", "DELETE").contains(operation)) {
                        continue; // BEGIN, COMMIT, DDL, and a heartbeat every few seconds
                    }
                    Map<String, Object> change = new LinkedHashMap<>();
                    change.put("offset", message.offset());
                    change.put("operation", operation);
                    change.put("table", record.get("objectName").toString());
                    change.put("before", image(record, "beforeImages"));
                    change.put("after", image(record, "afterImages"));
                    System.out.println(json.writeValueAsString(change));
                }
                consumer.commitSync(); // after the work is done, so that nothing is lost
            }
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

    static Properties properties() {
        var properties = new Properties();
        properties.put("bootstrap.servers", BROKER);
        properties.put("group.id", GROUP);
        if (!USER.isEmpty()) { // `wellhead tap` asks for no login
            properties.put("security.protocol", "SASL_PLAINTEXT");
            properties.put("sasl.mechanism", "PLAIN");
            properties.put("sasl.jaas.config", "org.apache.kafka.common.security.plain.PlainLoginModule required"
                    + " username=\"" + USER + "\" password=\"" + PASSWORD + "\";");
        }
        properties.put("key.deserializer", ByteArrayDeserializer.class);
        properties.put("value.deserializer", ByteArrayDeserializer.class);
        properties.put("enable.auto.commit", "false");
        properties.put("auto.offset.reset", "earliest");
        return properties;
    }

    static String setting(String name, String otherwise) {
        return System.getenv().getOrDefault(name, otherwise);
    }
}
