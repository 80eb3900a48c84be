import type { Stack } from 'aws-cdk-lib'
export function workerTemplate(_stack: Stack): void {}
