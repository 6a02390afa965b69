// Decides by the rules what a principal may do, as Kafka's StandardAuthorizer: a rule that denies overrides all others,
// and what no rule allows is denied. Leaves to others: storing the rules, and remembering decisions (caller.ts).
import { type Acl, aclKey, WILDCARD } from "./acl.js";
import type { Principal } from "./identity.js";
import type { Operation, ResourceType } from "./permission.js";

/** What is asked: whether this principal, from this address, may do this. */
export interface Question {
  readonly principal: Principal;
  readonly host: string;
  readonly operation: Operation;
  readonly resourceType: ResourceType;
  readonly resourceName: string;
}

/** The rules of one type of resource. */
class TypeRules {
  readonly literal = new Map<string, Acl[]>();
  readonly prefixed = new Map<string, Acl[]>();
  /** The different lengths of the prefixes. */
  prefixLengths: readonly number[] = [];

  /** The rules whose pattern matches a name. */
  *matching(name: string): Generator<Acl, void> {
    yield* this.literal.get(name) ?? NO_RULES;
    yield* this.literal.get(WILDCARD) ?? NO_RULES;
    for (const length of this.prefixLengths) {
      if (length <= name.length) yield* this.prefixed.get(name.slice(0, length)) ?? NO_RULES;
    }
  }
}

const NO_RULES: readonly Acl[] = [];

/** An operation that is allowed with each of these others. */
const IMPLIED_BY: Partial<Record<Operation, readonly Operation[]>> = {
  DESCRIBE: ["READ", "WRITE", "DELETE", "ALTER"],
  DESCRIBE_CONFIGS: ["ALTER_CONFIGS"],
};

export class Authorizer {
  readonly #rules = new Map<string, Acl>();
  readonly #byType = new Map<ResourceType, TypeRules>();
  /** Changes with each change of the rules, so that a decision is remembered no longer than it is true. */
  version = 0;

  constructor(rules: Iterable<Acl> = []) {
    this.change([...rules], []);
  }

  get rules(): Iterable<Acl> {
    return this.#rules.values();
  }

  get size(): number {
    return this.#rules.size;
  }

  /** Adds and removes rules, as one change. One that is there already, or is not there, is left alone. */
  change(added: readonly Acl[], removed: readonly Acl[]): void {
    for (const acl of removed) this.#rules.delete(aclKey(acl));
    for (const acl of added) this.#rules.set(aclKey(acl), acl);
    this.#byType.clear();
    for (const acl of this.#rules.values()) this.#index(acl);
    for (const rules of this.#byType.values())
      rules.prefixLengths = [...new Set([...rules.prefixed.keys()].map(({ length }) => length))];
    this.version++;
  }

  allows(question: Question): boolean {
    const rules = this.#byType.get(question.resourceType);
    if (rules === undefined) return false;
    const { operation } = question;
    let isAllowed = false;
    for (const acl of rules.matching(question.resourceName)) {
      if (!isAbout(acl, question)) continue;
      if (acl.operation === "ALL" || acl.operation === operation) {
        if (acl.permissionType === "DENY") return false;
        isAllowed = true;
      } else if (acl.permissionType === "ALLOW") {
        isAllowed ||= IMPLIED_BY[operation]?.includes(acl.operation) === true;
      }
    }
    return isAllowed;
  }

  /**
   * Whether a principal may do this on at least one resource of a type, whether that exists or not. As in Kafka, a rule
   * that allows it counts unless a rule that denies covers its whole pattern.
   */
  allowsOnAny(question: Omit<Question, "resourceName">): boolean {
    const rules = this.#byType.get(question.resourceType);
    if (rules === undefined) return false;
    const about = [...rules.literal.values(), ...rules.prefixed.values()]
      .flat()
      .filter(
        (acl) =>
          isAbout(acl, question) &&
          (acl.operation === "ALL" || acl.operation === question.operation),
      );
    const denying = about.filter(({ permissionType }) => permissionType === "DENY");
    return about.some(
      (acl) => acl.permissionType === "ALLOW" && !denying.some((denied) => covers(denied, acl)),
    );
  }

  #index(acl: Acl): void {
    const rules = this.#byType.get(acl.resourceType) ?? new TypeRules();
    this.#byType.set(acl.resourceType, rules);
    const map = acl.patternType === "PREFIXED" ? rules.prefixed : rules.literal;
    const same = map.get(acl.resourceName);
    if (same === undefined) map.set(acl.resourceName, [acl]);
    else same.push(acl);
  }
}

/** Whether a rule is about this principal and address. */
function isAbout(acl: Acl, { principal, host }: Pick<Question, "principal" | "host">): boolean {
  const isForAll = acl.principal === `User:${WILDCARD}`;
  if (!isForAll && acl.principal !== principal) return false;
  return acl.host === WILDCARD || acl.host === host;
}

/** Whether every name that `acl` is about is one that `wider` is about. */
function covers(wider: Acl, acl: Acl): boolean {
  if (wider.patternType === "PREFIXED")
    return acl.resourceName !== WILDCARD && acl.resourceName.startsWith(wider.resourceName);
  if (wider.resourceName === WILDCARD) return true;
  return acl.patternType === "LITERAL" && acl.resourceName === wider.resourceName;
}
