import com.alibaba.otter.canal.instance.manager.CanalInstanceWithManager;
import com.alibaba.otter.canal.instance.manager.model.Canal;
import com.alibaba.otter.canal.instance.manager.model.CanalParameter;
import com.alibaba.otter.canal.parse.inbound.mysql.MysqlEventParser;
import com.alibaba.otter.canal.protocol.CanalEntry.Entry;
import com.alibaba.otter.canal.protocol.CanalEntry.EntryType;
import com.alibaba.otter.canal.protocol.CanalEntry.Pair;
import com.alibaba.otter.canal.protocol.ClientIdentity;
import com.alibaba.otter.canal.protocol.Message;
import com.alibaba.otter.canal.server.embedded.CanalServerWithEmbedded;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;

/** Canal in this process, with its store in memory: entries are fetched in batches, counted, and acknowledged. */
public final class CanalPeer {
    private static final String NAME = "peer";
    private static final short CLIENT = 1001;
    private static final int STORED_ENTRIES = 32 * 1024;
    private static final int BYTES_PER_UNIT = 1024;
    private static final int BATCH_UNITS = 4096;

    private CanalPeer() {}

    /**
     * Arguments: port, user, password, database, first binlog, how many threads parse beside the one that reads,
     * and the row changes to wait for.
     */
    public static void main(String[] arguments) throws InterruptedException {
        Counter counter = new Counter(Long.parseLong(arguments[6]));
        CanalServerWithEmbedded server = CanalServerWithEmbedded.instance();
        server.setCanalInstanceGenerator(destination -> instance(arguments));
        server.start();
        server.start(NAME);
        ClientIdentity client = new ClientIdentity(NAME, CLIENT);
        server.subscribe(client);
        while (true) {
            Message batch = server.getWithoutAck(client, BATCH_UNITS, 100L, TimeUnit.MILLISECONDS);
            if (batch.getId() < 0) {
                continue;
            }
            long rows = 0;
            long length = 0;
            for (Entry entry : batch.getEntries()) {
                if (entry.getEntryType() == EntryType.ROWDATA) {
                    rows += rows(entry);
                    length += entry.getStoreValue().size();
                }
            }
            server.ack(client, batch.getId());
            counter.add(rows, length);
        }
    }

    /** Canal notes beside each rows event how many rows it has, so nothing needs to be decoded to count them. */
    private static long rows(Entry entry) {
        for (Pair property : entry.getHeader().getPropsList()) {
            if (property.getKey().equals("rowsCount")) {
                return Long.parseLong(property.getValue());
            }
        }
        return 0;
    }

    private static CanalInstanceWithManager instance(String[] arguments) {
        int threads = Integer.parseInt(arguments[5]);
        CanalParameter parameters = parameters(arguments);
        parameters.setParallel(threads > 0);
        Canal canal = new Canal();
        canal.setId(1L);
        canal.setName(NAME);
        canal.setCanalParameter(parameters);
        CanalInstanceWithManager instance = new CanalInstanceWithManager(canal, arguments[3] + "\\..*");
        if (threads > 0) {
            ((MysqlEventParser) instance.getEventParser()).setParallelThreadSize(threads);
        }
        return instance;
    }

    private static CanalParameter parameters(String[] arguments) {
        CanalParameter parameters = new CanalParameter();
        parameters.setMasterAddress(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])));
        parameters.setMasterUsername(arguments[1]);
        parameters.setMasterPassword(arguments[2]);
        parameters.setDefaultDatabaseName(arguments[3]);
        // It asks with SHOW MASTER STATUS where to begin, which MySQL 9 does not know; so it is told.
        parameters.setMasterLogfileName(arguments[4]);
        parameters.setMasterLogfileOffest(4L);
        parameters.setSlaveId(4712L);
        parameters.setMetaMode(CanalParameter.MetaMode.MEMORY);
        parameters.setIndexMode(CanalParameter.IndexMode.MEMORY);
        parameters.setStorageMode(CanalParameter.StorageMode.MEMORY);
        parameters.setMemoryStorageBufferSize(STORED_ENTRIES);
        parameters.setMemoryStorageBufferMemUnit(BYTES_PER_UNIT);
        // Entries stay objects: written as bytes they would have to be parsed again only to be counted.
        parameters.setMemoryStorageRawEntry(false);
        parameters.setReceiveBufferSize(1 << 20);
        parameters.setDetectingEnable(false);
        parameters.setTsdbEnable(false);
        parameters.setGtidEnable(false);
        return parameters;
    }
}
