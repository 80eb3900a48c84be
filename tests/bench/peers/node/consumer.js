// sqs-consumer as its README shows it, with a conditional PutItem for each message. Started by the benchmark as
// `node consumer.js HABIT CONSUMERS`, and ends when a receive comes back empty.
//
// Must never do more than such a consumer has to: no logging, no decoding beyond need.

import { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { Consumer } from "sqs-consumer";

const [habit, consumers] = process.argv.slice(2);
const { QUEUE_URL, TABLE_NAME } = process.env;
const dynamodb = new DynamoDBClient();

const put = async (message) => {
  const { sub, username, email, observedAt } = JSON.parse(message.Body);
  const command = new PutItemCommand({
    TableName: TABLE_NAME,
    ConditionExpression: "attribute_not_exists(id)",
    Item: {
      id: { S: sub },
      __typename: { S: "UserProfile" },
      email: { S: email },
      profileOwner: { S: `${sub}::${username}` },
      createdAt: { S: observedAt },
      updatedAt: { S: observedAt },
    },
  });
  try {
    await dynamodb.send(command);
  } catch (error) {
    if (error.name !== "ConditionalCheckFailedException") throw error;
  }
  return message;
};

const habits = {
  // The first example of the README: one message at a time.
  default: { handleMessage: put },
  // Its way to process messages in parallel.
  ten: { batchSize: 10, handleMessage: put },
  // All of a receive at once, deleted by one call.
  batch: { batchSize: 10, handleMessageBatch: (messages) => Promise.all(messages.map(put)) },
};

const fail = (error) => {
  console.error(error);
  process.exit(1);
};

for (let one = 0; one < Number(consumers); one += 1) {
  const consumer = Consumer.create({
    queueUrl: QUEUE_URL,
    waitTimeSeconds: 1,
    visibilityTimeout: 60,
    ...habits[habit],
  });
  consumer.on("error", fail);
  consumer.on("processing_error", fail);
  consumer.on("empty", () => consumer.stop());
  consumer.start();
}
