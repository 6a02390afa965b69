// When an append is acknowledged: after a flush, or before one.
// Leaves to others: carrying it out (appender.ts).

/**
 * - `always`: acknowledged after an fdatasync that covers the batch. It survives power loss.
 * - `interval`: acknowledged after the write; flushed every `ms` milliseconds.
 * - `never`: acknowledged after the write; flushed by the kernel, when a segment fills, and at a clean stop.
 *
 * With every policy an acknowledged batch survives `kill -9` of the broker, because the kernel has it.
 */
export type FlushPolicy =
  | { readonly kind: "always" }
  | { readonly kind: "interval"; readonly ms: number }
  | { readonly kind: "never" };
