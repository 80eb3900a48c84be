// What the package offers.

export {
  ConfirmationIngress,
  type ConfirmationIngressProps,
  type EventBridgeProps,
  type TriggerSource,
} from './ingress/confirmation-ingress.ts'
export { type Field, type FieldValue, type KeyAttribute, type ProfileModel, USER_PROFILE } from './model.ts'
export {
  type AmplifyOutputs,
  type CapacityProps,
  type CollectorProps,
  type MonitoringProps,
  type NetworkProps,
  ProfileWorker,
  type ProfileWorkerProps,
  type ReconcileProps,
  type TableKey,
  type WorkerSettings,
} from './worker/profile-worker.ts'
