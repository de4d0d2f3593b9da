import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.format.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;

/** Debezium's engine with nothing behind it: every row change becomes JSON, is counted, and is dropped. */
public final class DebeziumPeer {
    private DebeziumPeer() {}

    /** Arguments: a properties file for the engine, and the row changes to wait for. */
    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        try (var file = Files.newBufferedReader(Path.of(arguments[0]))) {
            settings.load(file);
        }
        Counter counter = new Counter(Long.parseLong(arguments[1]));
        DebeziumEngine.create(Json.class)
            .using(settings)
            .using((success, message, error) -> counter.fail("the engine stopped: " + message, error))
            .notifying((events, committer) -> {
                long length = 0;
                for (var event : events) {
                    length += event.value().length();
                    committer.markProcessed(event);
                }
                committer.markBatchFinished();
                counter.add(events.size(), length);
            })
            .build()
            .run();
    }
}
