package goredis

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// ReadSecret asks the AWS Secrets Manager Agent at address, past its cache.
func ReadSecret(ctx context.Context, address, token, name string) (secret Secret, err error) {
	query := url.Values{"secretId": {name}, "refreshNow": {"true"}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/secretsmanager/get?"+query.Encode(), nil)
	if err != nil {
		return secret, err
	}
	request.Header.Set("X-Aws-Parameters-Secrets-Token", token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return secret, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return secret, fmt.Errorf("the agent answers %s", response.Status)
	}
	var answer struct{ SecretString string }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return secret, err
	}
	return secret, json.Unmarshal([]byte(answer.SecretString), &secret)
}
