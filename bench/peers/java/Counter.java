import java.io.PrintStream;
import java.util.concurrent.CountDownLatch;

/**
 * Counts row changes and tells them to the process that started this one: a line at the first, a line at the
 * last. Then it holds still, so that the other can look at what this one has used and end it.
 */
final class Counter {
    private final PrintStream out = System.out;
    private final long expected;
    private long rows;
    private long bytes;

    Counter(long expected) {
        this.expected = expected;
        // Nothing else may speak on the stream that is read by a program.
        System.setOut(System.err);
    }

    /** Takes so many row changes in, of so many bytes or characters as they were handed out. */
    void add(long more, long length) throws InterruptedException {
        if (rows == 0 && more > 0) {
            out.println("first");
        }
        rows += more;
        bytes += length;
        if (rows >= expected) {
            out.println("done " + rows + " " + bytes);
            out.flush();
            new CountDownLatch(1).await();
        }
    }

    /** Says why there will be no last row, and ends. */
    void fail(String why, Throwable cause) {
        System.err.println(why + " after " + rows + " row changes");
        if (cause != null) {
            cause.printStackTrace();
        }
        Runtime.getRuntime().halt(1);
    }
}
