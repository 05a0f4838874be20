import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import redis.clients.jedis.JedisPooled;
import redis.clients.jedis.exceptions.JedisConnectionException;

/** Does in Java what loop.mjs does in Node. */
public class Loop {
  public static void main(String[] args) throws Exception {
    var secret = new ReadSecret(System.getenv("AGENT_URL"), System.getenv("AGENT_TOKEN"), System.getenv("SECRET_NAME"));
    var address = secret.read();
    var password = new RotatingPassword(() -> {
      say("read");
      return Client.authArgument(secret.read());
    }) {
      @Override
      public synchronized void refused() {
        say("refused");
        super.refused();
      }
    };

    var ended = new AtomicBoolean();
    var stdin = new Thread(() -> {
      try {
        System.in.readAllBytes();
      } catch (java.io.IOException error) {
        // It has ended all the same.
      }
      ended.set(true);
    });
    stdin.setDaemon(true);
    stdin.start();
    try (var client = Client.connect(password, address)) {
      while (!ended.get()) {
        attempt(() -> {
          Client.whileRefused(password, () -> client.set("turn", "1"));
          Client.whileRefused(password, () -> client.get("turn"));
        });
        attempt(() -> {
          try (JedisPooled fresh = Client.connect(password, address)) {
            Client.whileRefused(password, fresh::ping);
          }
        });
        Thread.sleep(20);
      }
    }
  }

  interface Commands {
    void run() throws Exception;
  }

  static void attempt(Commands commands) {
    try {
      commands.run();
      say("done");
    } catch (JedisConnectionException error) {
      // A connection that is lost may leave a command half done: these here may be repeated.
      say("lost");
    } catch (Exception error) {
      say("failed: " + error);
    }
  }

  static void say(String word) {
    System.out.println(word);
    System.out.flush();
  }
}
