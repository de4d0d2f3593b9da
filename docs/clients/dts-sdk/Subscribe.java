import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.serializer.SerializerFeature;
import com.aliyun.dts.subscribe.clients.ConsumerContext;
import com.aliyun.dts.subscribe.clients.ConsumerContext.ConsumerSubscribeMode;
import com.aliyun.dts.subscribe.clients.DefaultDTSConsumer;
import com.aliyun.dts.subscribe.clients.common.RecordListener;
import com.aliyun.dts.subscribe.clients.record.DefaultUserRecord;
import com.aliyun.dts.subscribe.clients.record.RowImage;
import com.aliyun.dts.subscribe.clients.record.value.Value;
import java.util.LinkedHashMap;
import java.util.Map;

/** Prints the row changes of a topic as lines of JSON, from the second of its group's checkpoint. */
public class Subscribe {
    static final String BROKER = setting("WELLHEAD_BROKER", "127.0.0.1:9092");
    static final String TOPIC = setting("WELLHEAD_TOPIC", "shop");
    static final String GROUP = setting("WELLHEAD_GROUP", "dtsgroupid");
    static final String USER = setting("WELLHEAD_USER", "reader-dtsgroupid");
    static final String PASSWORD = setting("WELLHEAD_PASSWORD", "Secret_123");

    public static void main(String[] args) {
        if (USER.isEmpty()) {
            System.err.println("the SDK always logs in: make a group (wellhead group create reader --task TASK) and set"
                    + " WELLHEAD_GROUP, WELLHEAD_USER and WELLHEAD_PASSWORD to its id, its login and its password");
            System.exit(2);
        }
        // The SDK puts account and group id together itself.
        String account = USER.substring(0, USER.lastIndexOf('-'));
        // Where to start without a checkpoint, in seconds. What is older than the topic is its beginning.
        String since = "1";
        var context = new ConsumerContext(
                BROKER, TOPIC, GROUP, account, PASSWORD, since, ConsumerSubscribeMode.ASSIGN);
        context.setUseLocalCheckpointStore(false);
        var consumer = new DefaultDTSConsumer(context);
        consumer.addRecordListeners(Map.<String, RecordListener>of("print", Subscribe::print));
        consumer.start(); // returns only when it gives up
    }

    static void print(DefaultUserRecord record) {
        switch (record.getOperationType()) {
            case INSERT, UPDATE, DELETE -> {
                Map<String, Object> change = new LinkedHashMap<>();
                change.put("offset", record.getOffset());
                change.put("operation", record.getOperationType());
                change.put("table", record.getSchema().getFullQualifiedName().get());
                change.put("before", image(record, record.getBeforeImage()));
                change.put("after", image(record, record.getAfterImage()));
                System.out.println(JSON.toJSONString(change, SerializerFeature.WriteMapNullValue));
            }
            default -> { } // BEGIN, COMMIT, DDL, and a heartbeat every few seconds
        }
        record.commit(""); // heartbeats too: they move the checkpoint of an idle topic
    }

    /** One side of a row as {column: text}; null where there is none. */
    static Map<String, String> image(DefaultUserRecord record, RowImage row) {
        if (row == null) {
            return null;
        }
        Map<String, String> image = new LinkedHashMap<>();
        for (var field : record.getSchema().getFields()) {
            Value<?> value = row.getValue(field);
            image.put(field.getFieldName(), value == null ? null : value.toString());
        }
        return image;
    }

    static String setting(String name, String otherwise) {
        return System.getenv().getOrDefault(name, otherwise);
    }
}
