// DescribeQuotas and AlterQuotas. Leaves to others: the work (services/quotas.ts).
import { RustLogError } from "../../../errors.js";
import { PAGE_ITEMS_MAX } from "../../../limits.js";
import { isEntityType, type Quota, type QuotaEntity } from "../../../security/quota.js";
import type { ServiceContext } from "../../../services/context.js";
import { changeAllQuotas, listQuotas, type QuotaChange } from "../../../services/quotas.js";
import {
  AlterQuotas,
  type AlterQuotasRequest,
  DescribeQuotas,
  type DescribeQuotasRequest,
  type QuotaRow,
} from "../quotas.js";
import type { Exchange } from "./exchange.js";
import { answerList } from "./list.js";

/** Memory for an item of a request. */
const QUOTA_ITEM_BYTES = 200;

/** A number as JSON writes it. */
const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Answers a DescribeQuotas request. */
export function describeQuotas(
  context: ServiceContext,
  exchange: Exchange,
  { skip, limit }: DescribeQuotasRequest,
): Promise<void> {
  const quotas = listQuotas(context);
  // Each page is one answer, so the caller need not have them all at once.
  const rows = quotas.slice(skip, skip + PAGE_ITEMS_MAX + 1).map(rowOf);
  return answerList(exchange, DescribeQuotas, rows, limit, {});
}

function rowOf({ entity, values }: Quota): QuotaRow {
  return {
    entity: Object.entries(entity).map(([type, name]) => ({
      ...{ type, isDefault: name === null, name: name ?? "" },
    })),
    values: Object.entries(values).map(([key, value]) => ({ key, value: String(value) })),
  };
}

/** Answers an AlterQuotas request. */
export async function alterQuotas(
  context: ServiceContext,
  exchange: Exchange,
  { quotas }: AlterQuotasRequest,
): Promise<void> {
  let items = quotas.length;
  for (const { entity, values } of quotas) items += entity.length + values.length;
  exchange.charge(items * QUOTA_ITEM_BYTES);
  await changeAllQuotas(context, quotas.map(changeOf));
  exchange.answer(AlterQuotas.encodeResponse(exchange.correlationId, {}));
}

function changeOf({ entity, values }: QuotaRow): QuotaChange {
  const numbers = values.map(({ key, value }) => [key, numberOf(key, value)] as const);
  return { entity: entityOf(entity), values: new Map(numbers) };
}

function entityOf(rows: QuotaRow["entity"]): QuotaEntity {
  for (const { type } of rows) {
    if (isEntityType(type)) continue;
    const message = `there is no entity type '${type}'; expected user, client-id or ip`;
    throw new RustLogError("INVALID_REQUEST", message);
  }
  return Object.fromEntries(
    rows.map(({ type, isDefault, name }) => [type, isDefault ? null : name]),
  );
}

function numberOf(key: string, text: string): number | undefined {
  if (text === "") return undefined;
  if (NUMBER.test(text)) return Number(text);
  throw new RustLogError("INVALID_REQUEST", `the quota ${key} is '${text}', not a number`);
}
