// Writes golden messages with the classes of Apache Kafka itself: each API, version and direction that the library
// on the class path knows and the table of this crate serves. Made with
//
//     java -cp kafka-clients-3.9.1.jar:slf4j-api.jar Golden.java FOLDER 0
//     java -cp kafka-clients-4.3.1.jar:slf4j-api.jar Golden.java FOLDER 3.9
//
// The first run writes FOLDER/<Api>.txt, the second adds the versions that came after Kafka 3.9. A line is: direction,
// version, variant, bytes in hex. Variant "full" has something in every field, "empty" null or nothing wherever that
// is allowed, "tagged" is "full" with all tagged fields too. Every value is made from the name of its field, so two
// neighbours that change places are noticed.

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.zip.CRC32;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.ArrayOf;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.CompactArrayOf;
import org.apache.kafka.common.protocol.types.Field;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.Struct;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;

class Golden {
    static final String[] APIS = {
        "Produce", "Fetch", "ListOffsets", "Metadata", "OffsetCommit", "OffsetFetch", "FindCoordinator", "JoinGroup",
        "Heartbeat", "LeaveGroup", "SyncGroup", "DescribeGroups", "ListGroups", "SaslHandshake", "ApiVersions",
        "CreateTopics", "DeleteTopics", "DeleteRecords", "InitProducerId", "OffsetForLeaderEpoch", "DescribeAcls",
        "CreateAcls", "DeleteAcls", "DescribeConfigs", "AlterConfigs", "SaslAuthenticate", "CreatePartitions",
        "DeleteGroups", "IncrementalAlterConfigs", "ListPartitionReassignments", "OffsetDelete", "DescribeCluster",
        "ConsumerGroupHeartbeat", "ConsumerGroupDescribe", "DescribeTopicPartitions",
    };
    static final short[] ERRORS = {1, 3, 5, 6, 7, 25, 27, 29, 30, 31};

    static final List<String> NULLABLE_STRUCTURES = List.of(
        "ConsumerGroupHeartbeat false", "DescribeTopicPartitions true", "DescribeTopicPartitions false");

    enum Variant { full, empty, tagged }

    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        boolean newOnly = arguments[1].equals("3.9");
        for (String name : APIS) {
            ApiMessageType api = null;
            for (ApiMessageType candidate : ApiMessageType.values()) {
                if (candidate.name.equals(name)) {
                    api = candidate;
                }
            }
            Path file = folder.resolve(name + ".txt");
            List<String> known = newOnly ? Files.readAllLines(file) : new ArrayList<>();
            List<String> lines = new ArrayList<>();
            boolean unstable = api == ApiMessageType.INIT_PRODUCER_ID;
            for (int version = api.lowestSupportedVersion();
                    version <= api.highestSupportedVersion(!unstable); version++) {
                for (boolean request : new boolean[] {true, false}) {
                    String prefix = (request ? "request " : "response ") + version + " ";
                    boolean missing = known.stream().noneMatch(line -> line.startsWith(prefix));
                    // The schemas of 3.9 do not know structures that may be null.
                    boolean readable = newOnly || !NULLABLE_STRUCTURES.contains(name + " " + request);
                    if (missing && readable) {
                        add(lines, api, request, (short) version, prefix);
                    }
                }
            }
            StandardOpenOption how = newOnly ? StandardOpenOption.APPEND : StandardOpenOption.CREATE;
            Files.write(file, lines, how);
        }
    }

    static void add(List<String> lines, ApiMessageType api, boolean request, short version, String prefix)
            throws ReflectiveOperationException {
        Schema schema = (request ? api.requestSchemas() : api.responseSchemas())[version];
        String full = null;
        for (Variant variant : Variant.values()) {
            ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
            schema.write(buffer, fill(schema, variant));
            buffer.flip();
            byte[] bytes = new byte[buffer.remaining()];
            buffer.get(bytes);
            check(request ? api.newRequest() : api.newResponse(), version, bytes);
            String hex = HexFormat.of().formatHex(bytes);
            if (variant == Variant.full) {
                full = hex;
            }
            if (variant == Variant.full || !hex.equals(full)) {
                lines.add(prefix + variant + " " + (hex.isEmpty() ? "-" : hex));
            }
        }
    }

    /** Kafka's own message class must read the bytes and write the same again. */
    static void check(ApiMessage message, short version, byte[] bytes) {
        message.read(new ByteBufferAccessor(ByteBuffer.wrap(bytes)), version);
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer again = ByteBuffer.allocate(message.size(cache, version));
        message.write(new ByteBufferAccessor(again), cache, version);
        if (!HexFormat.of().formatHex(again.array()).equals(HexFormat.of().formatHex(bytes))) {
            throw new IllegalStateException(message.getClass() + " " + version + " is not written as it was read");
        }
    }

    static Struct fill(Schema schema, Variant variant) throws ReflectiveOperationException {
        Struct struct = new Struct(schema);
        for (BoundField field : schema.fields()) {
            struct.set(field, value(field.def.name, field.def.type, variant));
        }
        return struct;
    }

    static Object value(String name, Type type, Variant variant) throws ReflectiveOperationException {
        if (type instanceof TaggedFields tagged) {
            NavigableMap<Integer, Object> values = new TreeMap<>();
            if (variant == Variant.tagged) {
                for (Map.Entry<Integer, Field> field : fields(tagged).entrySet()) {
                    values.put(field.getKey(), value(field.getValue().name, field.getValue().type, variant));
                }
            }
            return values;
        }
        boolean empty = variant == Variant.empty;
        if (type instanceof ArrayOf || type instanceof CompactArrayOf) {
            if (empty) {
                return type.isNullable() ? null : new Object[0];
            }
            Type element = type.arrayElementType().get();
            return new Object[] {value(name, element, variant)};
        }
        if (type instanceof Schema schema) {
            return empty && type.isNullable() ? null : fill(schema, variant);
        }
        if (empty && type.isNullable()) {
            return null;
        }
        CRC32 crc = new CRC32();
        crc.update(name.getBytes());
        long number = crc.getValue();
        return switch (type.toString()) {
            case "BOOLEAN" -> !empty;
            case "INT8" -> (byte) (number & 0x7f);
            case "INT16" -> name.endsWith("error_code") ? ERRORS[(int) (number % ERRORS.length)] : (short) number;
            case "INT32" -> (int) number;
            case "INT64" -> number * 0x10001;
            case "UUID" -> new Uuid(number, number + 1);
            case "STRING", "COMPACT_STRING", "NULLABLE_STRING", "COMPACT_NULLABLE_STRING" -> empty ? "" : name;
            case "BYTES", "COMPACT_BYTES", "NULLABLE_BYTES", "COMPACT_NULLABLE_BYTES" ->
                ByteBuffer.wrap(empty ? new byte[0] : name.getBytes());
            case "RECORDS", "COMPACT_RECORDS", "NULLABLE_RECORDS", "COMPACT_NULLABLE_RECORDS" ->
                records(empty ? new byte[0] : name.getBytes());
            default -> throw new IllegalArgumentException(name + " is " + type);
        };
    }

    @SuppressWarnings("unchecked")
    static Map<Integer, Field> fields(TaggedFields tagged) throws ReflectiveOperationException {
        java.lang.reflect.Field fields = TaggedFields.class.getDeclaredField("fields");
        fields.setAccessible(true);
        return (Map<Integer, Field>) fields.get(tagged);
    }

    /** The class has moved between the releases. */
    static Object records(byte[] bytes) throws ReflectiveOperationException {
        Class<?> records;
        try {
            records = Class.forName("org.apache.kafka.common.record.MemoryRecords");
        } catch (ClassNotFoundException moved) {
            records = Class.forName("org.apache.kafka.common.record.internal.MemoryRecords");
        }
        return records.getMethod("readableRecords", ByteBuffer.class).invoke(null, ByteBuffer.wrap(bytes));
    }
}
