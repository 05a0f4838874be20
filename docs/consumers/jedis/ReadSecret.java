import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import org.json.JSONObject;

/** Asks the AWS Secrets Manager Agent at an address, past its cache. */
public record ReadSecret(String agent, String token, String name) {
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  public JSONObject read() {
    String query = "secretId=" + URLEncoder.encode(name, StandardCharsets.UTF_8) + "&refreshNow=true";
    var request = HttpRequest.newBuilder(URI.create(agent + "/secretsmanager/get?" + query))
        .header("X-Aws-Parameters-Secrets-Token", token)
        .build();
    try {
      var answer = HTTP.send(request, BodyHandlers.ofString());
      if (answer.statusCode() != 200) throw new IllegalStateException("The agent answers " + answer.statusCode());
      return new JSONObject(new JSONObject(answer.body()).getString("SecretString"));
    } catch (java.io.IOException | InterruptedException error) {
      throw new IllegalStateException("The agent does not answer", error);
    }
  }
}
