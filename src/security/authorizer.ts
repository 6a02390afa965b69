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

/** Some rules of one type of resource, by what they are about. */
class PatternIndex {
  readonly #literal = new Map<string, Set<Acl>>();
  readonly #prefixed = new Map<string, Set<Acl>>();
  /** How many prefixes have each length. */
  readonly #prefixLengths = new Map<number, number>();

  add(acl: Acl): void {
    const { resourceName } = acl;
    const names = this.#namesOf(acl);
    const same = names.get(resourceName);
    if (same !== undefined) {
      same.add(acl);
      return;
    }
    names.set(resourceName, new Set([acl]));
    if (names === this.#prefixed) this.#countPrefix(resourceName.length, 1);
  }

  remove(acl: Acl): void {
    const { resourceName } = acl;
    const names = this.#namesOf(acl);
    const same = names.get(resourceName);
    if (same?.delete(acl) !== true || same.size > 0) return;
    names.delete(resourceName);
    if (names === this.#prefixed) this.#countPrefix(resourceName.length, -1);
  }

  /** The rules whose pattern matches a name. */
  *matching(name: string): Generator<Acl, void> {
    yield* this.#literal.get(name) ?? NO_RULES;
    if (name !== WILDCARD) yield* this.#literal.get(WILDCARD) ?? NO_RULES;
    yield* this.#prefixesOf(name);
  }

  /** Whether one of the rules is about every name that `acl` is about. */
  covers({ resourceName, patternType }: Acl): boolean {
    if (this.#literal.has(WILDCARD)) return true;
    const isLiteral = patternType === "LITERAL";
    // All names have no prefix in common.
    if (isLiteral && resourceName === WILDCARD) return false;
    if (isLiteral && this.#literal.has(resourceName)) return true;
    return this.#prefixesOf(resourceName).next().done !== true;
  }

  *#prefixesOf(name: string): Generator<Acl, void> {
    for (const length of this.#prefixLengths.keys()) {
      if (length <= name.length) yield* this.#prefixed.get(name.slice(0, length)) ?? NO_RULES;
    }
  }

  #namesOf({ patternType }: Acl): Map<string, Set<Acl>> {
    return patternType === "PREFIXED" ? this.#prefixed : this.#literal;
  }

  #countPrefix(length: number, change: number): void {
    const count = (this.#prefixLengths.get(length) ?? 0) + change;
    if (count === 0) this.#prefixLengths.delete(length);
    else this.#prefixLengths.set(length, count);
  }
}

/** The rules of one type of resource. */
class TypeRules {
  readonly patterns = new PatternIndex();
  readonly byPrincipal = new Map<Principal, Set<Acl>>();

  add(acl: Acl): void {
    this.patterns.add(acl);
    const same = this.byPrincipal.get(acl.principal);
    if (same === undefined) this.byPrincipal.set(acl.principal, new Set([acl]));
    else same.add(acl);
  }

  remove(acl: Acl): void {
    this.patterns.remove(acl);
    const same = this.byPrincipal.get(acl.principal);
    if (same?.delete(acl) === true && same.size === 0) this.byPrincipal.delete(acl.principal);
  }
}

const NO_RULES: ReadonlySet<Acl> = new Set();

/** As the principal of a rule: everybody. */
const ALL_PRINCIPALS: Principal = `User:${WILDCARD}`;

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
    this.change(rules, []);
  }

  get rules(): Iterable<Acl> {
    return this.#rules.values();
  }

  get size(): number {
    return this.#rules.size;
  }

  has(acl: Acl): boolean {
    return this.#rules.has(aclKey(acl));
  }

  /** The rules as they would be after `change`. */
  *after(added: readonly Acl[], removed: readonly Acl[]): Generator<Acl, void> {
    const left = new Set(removed.map(aclKey));
    const fresh = new Map(added.map((acl) => [aclKey(acl), acl]));
    for (const [key, acl] of this.#rules) if (!left.has(key) && !fresh.has(key)) yield acl;
    yield* fresh.values();
  }

  /**
   * Removes and adds rules, as one change, at a cost that does not grow with the number of other rules. One that is there
   * already, or is not there, is left alone.
   */
  change(added: Iterable<Acl>, removed: Iterable<Acl>): void {
    for (const acl of removed) {
      const key = aclKey(acl);
      const known = this.#rules.get(key);
      if (known === undefined) continue;
      this.#rules.delete(key);
      this.#byType.get(known.resourceType)?.remove(known);
    }
    for (const acl of added) {
      const key = aclKey(acl);
      if (this.#rules.has(key)) continue;
      this.#rules.set(key, acl);
      const rules = this.#byType.get(acl.resourceType) ?? new TypeRules();
      this.#byType.set(acl.resourceType, rules);
      rules.add(acl);
    }
    this.version++;
  }

  allows(question: Question): boolean {
    const rules = this.#byType.get(question.resourceType);
    if (rules === undefined) return false;
    const { operation } = question;
    let isAllowed = false;
    for (const acl of rules.patterns.matching(question.resourceName)) {
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
    const denying = new PatternIndex();
    const allowing: Acl[] = [];
    for (const principal of new Set([question.principal, ALL_PRINCIPALS])) {
      for (const acl of rules.byPrincipal.get(principal) ?? NO_RULES) {
        const isNamed = acl.operation === "ALL" || acl.operation === question.operation;
        if (!isNamed || !isAbout(acl, question)) continue;
        if (acl.permissionType === "DENY") denying.add(acl);
        else allowing.push(acl);
      }
    }
    return allowing.some((acl) => !denying.covers(acl));
  }
}

/** Whether a rule is about this principal and address. */
function isAbout(acl: Acl, { principal, host }: Pick<Question, "principal" | "host">): boolean {
  if (acl.principal !== ALL_PRINCIPALS && acl.principal !== principal) return false;
  return acl.host === WILDCARD || acl.host === host;
}
