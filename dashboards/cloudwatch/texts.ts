// What somebody reads who was woken: what it means, one command to paste, what it prints when all is well and what
// otherwise, and where to read on. The commands read and change nothing. No text may need more than 1,024 characters:
// that is what CloudWatch keeps of a description.

import type { Severity } from './alarm.ts'
import { type Alert, type Names, anchor, runbook } from './names.ts'

export interface Text {
  readonly severity: Severity
  readonly means: string
  readonly command: string
  readonly prints: string
}

const url = (queueName: string): string =>
  `"$(aws sqs get-queue-url --queue-name ${queueName} --query QueueUrl --output text)"`

const logged = (group: string, since: string, pattern: string): string =>
  `aws logs filter-log-events --log-group-name ${group} --start-time $(($(date +%s)-${since}))000 --filter-pattern '${pattern}' --query 'events[].message' --output text`

export function text(names: Names, alert: Alert): Text {
  // An alert of the trigger is only made where there is one (names.ts, alertsOf).
  const { functionName = '', triggerLogGroup = '' } = names
  switch (alert) {
    case 'ConfirmationToProfileFastBurn':
      return {
        severity: 'page',
        means: 'Confirmed users wait for their profile: within 5 minutes and within the hour more than 14.4 % of live confirmations took over 60 s.',
        command: logged(names.workerLogGroup, '3600', '{ $.event = "retried" }'),
        prints: 'Nothing, if no message had to come again. Else class and code name the call that fails.',
      }
    case 'ConfirmationToProfileSlowBurn':
      return {
        severity: 'ticket',
        means: 'Within 30 minutes and within 6 hours more than 6 % of live confirmations took over 60 s to become a profile.',
        command: logged(names.workerLogGroup, '21600', '{ $.event = "retried" }'),
        prints: 'Nothing, if no message had to come again. Else class and code name the call that fails.',
      }
    case 'DeadLetterQueueNotEmpty':
      return {
        severity: 'ticket',
        means: 'Messages could not become profiles and were set aside. Their users have none.',
        command: `DEAD_LETTER_QUEUE_URL=${url(names.deadLetterQueueName)} QUEUE_URL=${url(names.queueName)} profile-worker quarantine list`,
        prints: 'No reasons, when the queue is empty. Else how many messages there are for each reason.',
      }
    case 'OldestMessageTooOld':
      return {
        severity: 'page',
        means: 'The oldest message has waited for more than 5 minutes, though the table takes writes.',
        command: `aws sqs get-queue-attributes --queue-url ${url(names.queueName)} --query Attributes --attribute-names ApproximateNumberOfMessages ApproximateNumberOfMessagesNotVisible`,
        prints: 'Two small numbers. The first one large and growing: more comes than is written. Small, and the second large: messages are held or come again.',
      }
    case 'NoReceive':
      return {
        severity: 'page',
        means: 'Nobody has asked the queue for messages for 5 minutes: the worker is not running, or cannot reach SQS.',
        command: logged(names.workerLogGroup, '600', '{ $.event = "status" || $.event = "waiting" || $.event = "receive_failed" }'),
        prints: 'A status a minute from each task. Nothing: no task runs. waiting or receive_failed: class and code say what is refused.',
      }
    case 'BreakerOpen':
      return {
        severity: 'page',
        means: 'The table has not taken writes for more than 10 minutes. Nothing is lost: messages wait in the queue.',
        command: `aws dynamodb describe-table --table-name ${names.tableName} --query '[Table.TableStatus, Table.KeySchema]' --output json`,
        prints: 'ACTIVE and the key of the model. ResourceNotFoundException: Amplify recreates the table, or the name is wrong. ACTIVE all the same: the event breaker_opened has class and code.',
      }
    case 'OwnerConflict':
      return {
        severity: 'ticket',
        means: "Under a user's key stands a row that belongs to somebody else. It was not touched; the user has no profile.",
        command: `DEAD_LETTER_QUEUE_URL=${url(names.deadLetterQueueName)} QUEUE_URL=${url(names.queueName)} profile-worker quarantine show --reason owner_conflict`,
        prints: 'Nothing, if none is left. Else the messages, without the people. Many at once: the model or the table is wrong.',
      }
    case 'TriggerErrors':
      return {
        severity: 'page',
        means: 'The trigger crashed, ran out of time or was throttled: a user was shown an error at his sign-up.',
        command: logged(triggerLogGroup, '1800', '?ERROR ?"timed out" ?"Runtime exited"'),
        prints: 'Nothing, if the calls were throttled: look at the concurrency. Else the place of the panic, the setting that is wrong, or the time-out.',
      }
    case 'TriggerSlow':
      return {
        severity: 'ticket',
        means: 'One in a hundred calls of the trigger takes over 3 s. Its own deadline is 2.5 s, and after 5 s Cognito fails the sign-up.',
        command: `aws lambda get-function-configuration --function-name ${functionName} --query '[MemorySize, Timeout, LastUpdateStatus]' --output text`,
        prints: 'At least 128, then 4, then Successful. Less memory is less CPU.',
      }
    case 'EnqueueFailed':
      return {
        severity: 'ticket',
        means: 'Sign-ups went on without a message: these users have no profile until reconcile finds them.',
        command: logged(triggerLogGroup, '3600', '{ $.message = "enqueue_failed" }'),
        prints: 'A line for each of them, with class and mend. Mend it, then profile-worker reconcile --fix missing.',
      }
    case 'ProfilesMissing':
      return {
        severity: 'ticket',
        means: 'The last reconcile found confirmed users without a profile.',
        command: `USER_POOL_ID=${names.userPoolId ?? ''} TABLE_NAME=${names.tableName} profile-worker reconcile`,
        prints: 'missing 0. Else the same again with --fix missing and QUEUE_URL set.',
      }
  }
}

/** The description of the alarm. */
export function description(names: Names, alert: Alert): string {
  const { severity, means, command, prints } = text(names, alert)
  return [
    `${severity.toUpperCase()}: ${means}`,
    `Run: ${command}`,
    `Prints: ${prints}`,
    `${runbook(names)}#${anchor(alert)}`,
  ].join('\n')
}
