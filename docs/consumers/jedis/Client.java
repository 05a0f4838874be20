import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import org.json.JSONObject;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisPooled;
import redis.clients.jedis.exceptions.JedisAccessControlException;
import redis.clients.jedis.exceptions.JedisDataException;

public class Client {
  /** A pool whose connections each take the password anew. */
  public static JedisPooled connect(RotatingPassword password, JSONObject secret) {
    return new JedisPooled(
        new HostAndPort(secret.getString("host"), secret.getInt("port")),
        DefaultJedisClientConfig.builder()
            .ssl(secret.optBoolean("ssl"))
            .credentialsProvider(password)
            .build());
  }

  /** A custom account of TencentDB gives its name and its password as one argument. */
  public static String authArgument(JSONObject secret) {
    String username = secret.optString("username", "default");
    boolean custom = !username.equals("default") && !username.equals("root");
    return (custom ? username + "@" : "") + secret.getString("password");
  }

  /** Tries a command again for which no connection was accepted: it has not been carried out. */
  public static <T> T whileRefused(RotatingPassword password, Supplier<T> command) throws InterruptedException {
    long deadline = System.nanoTime() + 30_000_000_000L;
    for (long pauseMs = 50; ; pauseMs = Math.min(2 * pauseMs, 2_000)) {
      try {
        return command.get();
      } catch (JedisDataException error) {
        if (!isRefusal(error)) throw error;
        password.refused();
        if (System.nanoTime() + pauseMs * 1_000_000 > deadline) throw error;
      }
      Thread.sleep((long) (pauseMs * (0.5 + ThreadLocalRandom.current().nextDouble())));
    }
  }

  /** WRONGPASS has a class of its own; Redis 5 and earlier say it in words. */
  public static boolean isRefusal(JedisDataException error) {
    return error instanceof JedisAccessControlException || error.getMessage().startsWith("ERR invalid password");
  }
}
