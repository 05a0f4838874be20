import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import redis.clients.jedis.DefaultRedisCredentials;
import redis.clients.jedis.RedisCredentials;
import redis.clients.jedis.RedisCredentialsProvider;

/**
 * The password that a secret has. It is kept, and read again once Redis has refused it: by one thread at a time, and
 * with longer pauses while the secret has nothing new. Jedis asks for it before each AUTH.
 */
public class RotatingPassword implements RedisCredentialsProvider {
  private static final long FIRST_PAUSE_MS = 100;
  private static final long LONGEST_PAUSE_MS = 5_000;

  private final Supplier<String> readSecret;
  private String password;
  private boolean refused;
  private long pauseMs = FIRST_PAUSE_MS;
  private long notBefore;

  /** @param readSecret gives the argument of AUTH: see Client.authArgument */
  public RotatingPassword(Supplier<String> readSecret) {
    this.readSecret = readSecret;
  }

  @Override
  public synchronized RedisCredentials get() {
    if (password == null || (refused && System.nanoTime() / 1_000_000 >= notBefore)) read();
    return new DefaultRedisCredentials(null, password);
  }

  /** Redis has refused the password. */
  public synchronized void refused() {
    refused = true;
  }

  private void read() {
    String known = password;
    try {
      password = readSecret.get();
      refused = false;
    } catch (RuntimeException error) {
      // The password at hand may still be good.
      if (known == null) throw error;
    } finally {
      boolean fresh = password != null && !password.equals(known);
      pauseMs = fresh ? FIRST_PAUSE_MS : Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      notBefore = System.nanoTime() / 1_000_000 + (long) (pauseMs * (0.5 + ThreadLocalRandom.current().nextDouble()));
    }
  }
}
