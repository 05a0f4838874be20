/** The state of the local Secrets Manager, and the requests and answers of its actions. Times on the wire are epoch seconds. */

export interface Content {
  readonly SecretString?: string | undefined;
  /** Base64, as on the wire. */
  readonly SecretBinary?: string | undefined;
}

export interface Version {
  readonly versionId: string;
  readonly createdAtMs: number;
  /** Absent in the placeholder that RotateSecret makes. */
  readonly content?: Content;
  readonly stages: readonly string[];
}

interface Tag {
  readonly Key: string;
  readonly Value: string;
}

interface RotationRules {
  readonly AutomaticallyAfterDays?: number | undefined;
  readonly ScheduleExpression?: string | undefined;
  readonly Duration?: string | undefined;
}

export interface Secret {
  readonly name: string;
  readonly arn: string;
  readonly description?: string;
  readonly createdAtMs: number;
  readonly changedAtMs: number;
  readonly rotatedAtMs?: number;
  readonly deletedAtMs?: number;
  readonly tags: readonly Tag[];
  readonly versions: readonly Version[];
  readonly rotation?: {
    readonly enabled: boolean;
    readonly functionArn: string;
    readonly rules?: RotationRules;
  };
}

export interface Filter {
  readonly Key?: string | undefined;
  readonly Values?: readonly string[] | undefined;
}

interface Named {
  readonly ARN: string;
  readonly Name: string;
}

interface NewVersion extends Content {
  readonly ClientRequestToken?: string | undefined;
}

export interface SecretEntry extends Named {
  readonly Description?: string;
  readonly CreatedDate: number;
  readonly LastChangedDate: number;
  readonly LastRotatedDate?: number;
  readonly DeletedDate?: number;
  readonly RotationEnabled?: boolean;
  readonly RotationLambdaARN?: string;
  readonly RotationRules?: RotationRules;
  readonly Tags?: readonly Tag[];
}

export interface Actions {
  CreateSecret: {
    request: NewVersion & {
      readonly Name: string;
      readonly Description?: string | undefined;
      readonly Tags?: readonly Tag[] | undefined;
    };
    answer: Named & { readonly VersionId?: string };
  };
  DescribeSecret: {
    request: { readonly SecretId: string };
    answer: SecretEntry & { readonly VersionIdsToStages?: Readonly<Record<string, readonly string[]>> };
  };
  GetSecretValue: {
    request: {
      readonly SecretId: string;
      readonly VersionId?: string | undefined;
      readonly VersionStage?: string | undefined;
    };
    answer: Named &
      Content & {
        readonly VersionId: string;
        readonly VersionStages: readonly string[];
        readonly CreatedDate: number;
      };
  };
  PutSecretValue: {
    request: NewVersion & {
      readonly SecretId: string;
      readonly VersionStages?: readonly string[] | undefined;
      readonly RotationToken?: string | undefined;
    };
    answer: Named & { readonly VersionId: string; readonly VersionStages: readonly string[] };
  };
  UpdateSecretVersionStage: {
    request: {
      readonly SecretId: string;
      readonly VersionStage: string;
      readonly MoveToVersionId?: string | undefined;
      readonly RemoveFromVersionId?: string | undefined;
    };
    answer: Named;
  };
  RotateSecret: {
    request: {
      readonly SecretId: string;
      readonly ClientRequestToken?: string | undefined;
      readonly RotationLambdaARN?: string | undefined;
      readonly RotationRules?: RotationRules | undefined;
      readonly RotateImmediately?: boolean | undefined;
    };
    answer: Named & { readonly VersionId: string };
  };
  CancelRotateSecret: {
    request: { readonly SecretId: string };
    answer: Named & { readonly VersionId?: string };
  };
  ListSecretVersionIds: {
    request: {
      readonly SecretId: string;
      readonly IncludeDeprecated?: boolean | undefined;
      readonly MaxResults?: number | undefined;
      readonly NextToken?: string | undefined;
    };
    answer: Named & {
      readonly Versions: readonly {
        readonly VersionId: string;
        readonly VersionStages?: readonly string[];
        readonly CreatedDate: number;
      }[];
      readonly NextToken?: string;
    };
  };
  ListSecrets: {
    request: {
      readonly Filters?: readonly Filter[] | undefined;
      readonly IncludePlannedDeletion?: boolean | undefined;
      readonly MaxResults?: number | undefined;
      readonly NextToken?: string | undefined;
    };
    answer: {
      readonly SecretList: readonly (SecretEntry & {
        readonly SecretVersionsToStages?: Readonly<Record<string, readonly string[]>>;
      })[];
      readonly NextToken?: string;
    };
  };
  TagResource: {
    request: { readonly SecretId: string; readonly Tags: readonly Tag[] };
    answer: Record<string, never>;
  };
  DeleteSecret: {
    request: {
      readonly SecretId: string;
      readonly ForceDeleteWithoutRecovery?: boolean | undefined;
      readonly RecoveryWindowInDays?: number | undefined;
    };
    answer: Named & { readonly DeletionDate: number };
  };
}

export type Action = keyof Actions;
