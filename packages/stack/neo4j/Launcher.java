import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.neo4j.dbms.api.DatabaseManagementService;
import org.neo4j.dbms.api.DatabaseManagementServiceBuilder;
import org.neo4j.graphdb.GraphDatabaseService;
import org.neo4j.graphdb.QueryExecutionException;

/**
 * Runs Neo4j Community with Bolt until it is asked to end.
 *
 * <p>Arguments: the home folder, and a file of settings as in neo4j.conf. The password of the user neo4j comes from the
 * variable NEO4J_PASSWORD. When everything is up, the file {@code ready} in the home folder holds this process's id.
 */
public final class Launcher {
  public static void main(String[] arguments) {
    try {
      run(Path.of(arguments[0]), Path.of(arguments[1]), System.getenv("NEO4J_PASSWORD"));
    } catch (Throwable failure) {
      // The databases' own threads would keep a half-started server alive.
      failure.printStackTrace();
      System.exit(1);
    }
  }

  private static void run(Path home, Path settings, String password) throws Exception {
    DatabaseManagementService server =
        new DatabaseManagementServiceBuilder(home).loadPropertiesFromFile(settings).build();
    // SIGTERM ends the virtual machine in order, and the databases before it.
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdown, "shutdown"));
    if (password != null) {
      setPassword(server.database("system"), password);
    }
    Files.writeString(home.resolve("ready"), Long.toString(ProcessHandle.current().pid()));
    Thread.currentThread().join();
  }

  private static void setPassword(GraphDatabaseService system, String password) {
    try {
      system.executeTransactionally(
          "ALTER USER neo4j SET PASSWORD $password CHANGE NOT REQUIRED", Map.of("password", password));
    } catch (QueryExecutionException refused) {
      // It is an error to set the password that is set already, and nothing tells whether it is but trying.
      if (!refused.getMessage().contains("cannot be the same")) {
        throw refused;
      }
    }
  }
}
