/**
 * Every rule of schema evolution: the name of a change, how dangerous it is and why, which waiver relaxes it, and what to do
 * about it. Nothing else in the project decides whether a change is safe. docs/schema-changes.md lists the same rules, and a
 * test holds the two together.
 */

/**
 * `safe`: every stored document fits as it is. `needsMigration`: some documents may not fit until they are changed.
 * `destructive`: data that is stored now has no place afterwards.
 */
export type Classification = "safe" | "needsMigration" | "destructive";

/** The name of a waiver. */
export type WaiverName = "data-already-fits" | "drop-field" | "drop-table" | "lossy-down";

/** What the author of a deploy can vouch for, so that a rule does not stop it. */
export interface Waiver {
  /** What the author asserts by it. */
  readonly meaning: string;
  /** The classification that a waived change counts as. */
  readonly becomes: Classification;
}

export const waivers: Readonly<Record<WaiverName, Waiver>> = {
  "data-already-fits": {
    meaning: "The documents were changed already; the deploy checks every one and needs no migration.",
    becomes: "safe",
  },
  "drop-field": {
    meaning: "The values of this field may be deleted for good.",
    becomes: "needsMigration",
  },
  "drop-table": {
    meaning: "The documents of this table may be deleted for good.",
    becomes: "safe",
  },
  "lossy-down": {
    meaning:
      "What `down` makes of this field need not be what it was before `up`; only a rehearsal asks for it.",
    becomes: "safe",
  },
};

/** One rule. */
export interface Rule {
  readonly classification: Classification;
  /** One sentence that says why it is classified so. */
  readonly explanation: string;
  /** The waiver that relaxes the rule; null where there is nothing to relax. */
  readonly waiver: WaiverName | null;
  /** One or two sentences that say what to do. */
  readonly recipe: string;
}

function safe(explanation: string, recipe: string): Rule {
  return { classification: "safe", explanation, waiver: null, recipe };
}

function needsMigration(
  explanation: string,
  recipe: string,
  waiver: WaiverName | null = "data-already-fits",
): Rule {
  return { classification: "needsMigration", explanation, waiver, recipe };
}

function destructive(explanation: string, recipe: string, waiver: WaiverName): Rule {
  return { classification: "destructive", explanation, waiver, recipe };
}

export const rules = {
  "field-added-optional": safe(
    "No stored document has the field, and none needs it.",
    "Deploy. Code that reads the field must expect it to be absent.",
  ),
  "field-added-required": needsMigration(
    "No stored document has the field, and every one needs it.",
    "Bring a migration that sets the field; until it has run the field is optional.",
  ),
  "field-made-optional": safe(
    "Documents with the field still fit.",
    "Deploy. Code that reads the field must expect it to be absent.",
  ),
  "field-made-required": needsMigration(
    "Stored documents may lack the field.",
    "Bring a migration that sets the field where it is absent.",
  ),
  "field-removed": destructive(
    "Stored documents may have the field; its values have no place in the new schema.",
    "Keep the field as optional while anything reads it. To delete the values waive `drop-field` and bring the migration that clears them, or move them to where they belong first.",
    "drop-field",
  ),
  "field-renamed": needsMigration(
    "Stored documents have the value under the old name.",
    "Declare the rename: one generated transform moves the value, and reads see the new name at once.",
    null,
  ),
  "id-table-changed": needsMigration(
    "Stored documents refer to documents of another table.",
    "Bring a migration that looks up the document to refer to now.",
  ),
  "index-added": safe(
    "Documents are not affected.",
    "Deploy. The index is filled before a query may use it.",
  ),
  "index-changed": safe(
    "Documents are not affected.",
    "Deploy. The new index is built beside the old one, and replaces it when it is filled.",
  ),
  "index-enabled": safe(
    "The staged index may now be queried.",
    "Deploy. If it is not yet filled, that is finished first.",
  ),
  "index-removed": safe(
    "Documents are not affected; queries that name the index fail.",
    "Deploy together with code that no longer uses it.",
  ),
  "index-staged": safe(
    "The index is filled in the background and may not be queried yet.",
    "Deploy. Remove `staged` once it is filled.",
  ),
  "literal-added": safe(
    "Every value that was allowed still is.",
    "Deploy. Code that switches over the values must expect one more.",
  ),
  "literal-removed": needsMigration(
    "Stored documents may have the value that is allowed no longer.",
    "Bring a migration that replaces the value by one that is still allowed.",
  ),
  "search-index-added": safe("Documents are not affected.", "Deploy."),
  "search-index-changed": safe("Documents are not affected.", "Deploy. The index is built anew."),
  "search-index-removed": safe(
    "Documents are not affected; searches that name the index fail.",
    "Deploy together with code that no longer uses it.",
  ),
  "staged-type-changed": safe(
    "A staged type is compared with the documents in the background and enforced on none.",
    "Deploy, and read the result of the comparison before the staged type becomes the type.",
  ),
  "table-added": safe("It has no documents.", "Deploy."),
  "table-removed": destructive(
    "The documents of the table have no place in the new schema.",
    "Move what is still needed to other tables first. To delete the documents waive `drop-table`.",
    "drop-table",
  ),
  "table-renamed": needsMigration(
    "Code and ids know the table by its old name.",
    "Declare the rename: the table keeps its documents and their ids, and takes the new name in one step.",
    null,
  ),
  "type-changed": needsMigration(
    "Stored values may not fit the new type.",
    "Bring a migration that converts the value; or add a field of the new type and remove this one later.",
  ),
  "type-narrowed": needsMigration(
    "The new type takes only some of the values that the old one took.",
    "Bring a migration that changes the values outside the new type.",
  ),
  "type-rewritten": safe(
    "Both types take exactly the same values.",
    "Deploy. Nothing is checked or written.",
  ),
  "type-widened": safe(
    "Every value that was allowed still is.",
    "Deploy. Code that reads the value must expect the wider type.",
  ),
  "unenforced-type-changed": safe(
    "Schema validation is off: no document is held to its type.",
    "Deploy. Types of functions change; documents are not checked.",
  ),
  "union-member-added": safe(
    "Every value that was allowed still is.",
    "Deploy. Code that reads the value must expect the new member.",
  ),
  "union-member-removed": needsMigration(
    "Stored values may be of the member that is allowed no longer.",
    "Bring a migration that converts such values into another member, or deletes their documents.",
  ),
  "validation-turned-off": safe(
    "Documents are held to no type any more.",
    "Deploy. To turn validation on again later every document has to be checked.",
  ),
  "validation-turned-on": needsMigration(
    "Nothing held the stored documents to a type, so they may have any shape.",
    "Deploy: every document is checked first, and those that do not fit are listed. Bring a migration for them.",
  ),
  "vector-index-added": safe("Documents are not affected.", "Deploy."),
  "vector-index-changed": safe(
    "Documents are not affected; those whose vector has another length are not in the index.",
    "Deploy. The index is built anew.",
  ),
  "vector-index-removed": safe(
    "Documents are not affected; searches that name the index fail.",
    "Deploy together with code that no longer uses it.",
  ),
} as const satisfies Record<string, Rule>;

/** The name of a rule. */
export type RuleName = keyof typeof rules;

/** The rule of a name, with the general type of all rules. */
export function ruleOf(name: RuleName): Rule {
  return rules[name];
}

const severity: readonly Classification[] = ["safe", "needsMigration", "destructive"];

/** The most dangerous of some classifications; safe when there are none. */
export function worst(classifications: readonly Classification[]): Classification {
  const highest = Math.max(0, ...classifications.map((each) => severity.indexOf(each)));
  return severity[highest] ?? "safe";
}
