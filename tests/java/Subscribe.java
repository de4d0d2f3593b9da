import com.aliyun.dts.subscribe.clients.ConsumerContext;
import com.aliyun.dts.subscribe.clients.ConsumerContext.ConsumerSubscribeMode;
import com.aliyun.dts.subscribe.clients.DTSConsumer;
import com.aliyun.dts.subscribe.clients.DefaultDTSConsumer;
import com.aliyun.dts.subscribe.clients.common.RecordListener;
import com.aliyun.dts.subscribe.clients.record.DefaultUserRecord;
import com.aliyun.dts.subscribe.clients.record.RecordField;
import com.aliyun.dts.subscribe.clients.record.RecordSchema;
import com.aliyun.dts.subscribe.clients.record.RowImage;
import com.aliyun.dts.subscribe.clients.record.value.Value;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Follows a topic with the official subscribe SDK, as its own demos do, until it is killed. Arguments are broker, topic,
 * group id, account, password, first second, and ASSIGN or SUBSCRIBE. Prints a line for each record, beginning with
 * "record" and parted by tabs: offset, second, operation, and for a row its table, the columns of its primary key, and
 * both images.
 */
public class Subscribe {
    public static void main(String[] args) throws Exception {
        System.setOut(new PrintStream(System.out, true, "UTF-8"));
        ConsumerContext context = new ConsumerContext(
                args[0], args[1], args[2], args[3], args[4], args[5], ConsumerSubscribeMode.valueOf(args[6]));
        context.setUseLocalCheckpointStore(false);
        context.setCheckpointCommitInterval(200);
        DTSConsumer consumer = new DefaultDTSConsumer(context);
        RecordListener listener = Subscribe::print;
        consumer.addRecordListeners(Collections.singletonMap("print", listener));
        consumer.start();
    }

    private static void print(DefaultUserRecord record) {
        List<String> parts = new ArrayList<>();
        parts.add("record");
        parts.add(String.valueOf(record.getOffset()));
        parts.add(String.valueOf(record.getSourceTimestamp()));
        parts.add(record.getOperationType().name());
        switch (record.getOperationType()) {
            case INSERT:
            case UPDATE:
            case DELETE:
                RecordSchema schema = record.getSchema();
                parts.add(schema.getFullQualifiedName().get());
                parts.add(names(schema.getPrimaryIndexInfo().getIndexFields()));
                parts.add(values(record.getBeforeImage()));
                parts.add(values(record.getAfterImage()));
                break;
            default:
        }
        System.out.println(String.join("\t", parts));
        record.commit("");
    }

    private static String names(List<RecordField> fields) {
        List<String> names = new ArrayList<>();
        for (RecordField field : fields) {
            names.add(field.getFieldName());
        }
        return String.join(",", names);
    }

    private static String values(RowImage image) {
        if (image == null) {
            return "-";
        }
        List<String> values = new ArrayList<>();
        for (Value<?> value : image.getValues()) {
            values.add(String.valueOf(value));
        }
        return String.join(",", values);
    }
}
