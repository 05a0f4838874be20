import json


def read_secret(client, name):
    """The current version of a secret in AWS Secrets Manager. `client` is boto3.client("secretsmanager")."""
    return json.loads(client.get_secret_value(SecretId=name)["SecretString"])
