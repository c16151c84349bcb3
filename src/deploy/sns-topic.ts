import type { SNS } from "@aws-sdk/client-sns";
import { BootlaceError } from "../../stage2/index.ts";

/** How often the SDK tries. */
const ATTEMPTS = 5;

/** An SNS topic, as far as a deployment needs it. Credentials and endpoint are those that the AWS command line would use. */
export class SnsTopic {
  readonly arn: string;

  constructor(arn: string) {
    this.arn = arn;
  }

  /** @throws {BootlaceError} `E_NOTIFY`. */
  async publish(message: string): Promise<void> {
    await this.ask("sns:Publish", (client) => client.publish({ TopicArn: this.arn, Message: message }));
  }

  /**
   * Addresses of the HTTP endpoints that confirmed.
   *
   * @throws {BootlaceError} `E_NOTIFY`.
   */
  async endpoints(): Promise<readonly string[]> {
    return this.ask("sns:ListSubscriptionsByTopic", async (client) => {
      const found: string[] = [];
      for (let NextToken: string | undefined; ; ) {
        const page = await client.listSubscriptionsByTopic({ TopicArn: this.arn, ...(NextToken && { NextToken }) });
        for (const { Protocol, Endpoint, SubscriptionArn } of page.Subscriptions ?? [])
          if (/^https?$/.test(Protocol ?? "") && Endpoint && SubscriptionArn?.startsWith("arn:")) found.push(Endpoint);
        NextToken = page.NextToken;
        if (NextToken === undefined) return found;
      }
    });
  }

  private async ask<T>(action: string, work: (client: SNS) => Promise<T>): Promise<T> {
    // The SDK's own switch; without it each command on Node 20 prints a page on versions to come.
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
    // Loaded here alone: most commands never speak to SNS.
    const { SNS: Client } = await import("@aws-sdk/client-sns");
    const client = new Client({ region: this.arn.split(":")[3] ?? "", maxAttempts: ATTEMPTS });
    try {
      return await work(client);
    } catch (cause) {
      const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
      throw new BootlaceError("E_NOTIFY", `${action} on ${this.arn} failed: ${why}`, { cause });
    } finally {
      client.destroy();
    }
  }
}
