/** The component's definition: `app.use(aggregate, { name: "…" })`, as often as there are aggregates. */
import { defineComponent, type ComponentDefinition } from "convex/server";

// oxlint-disable-next-line typescript/no-explicit-any -- what `defineComponent` gives, spelt out
const component: ComponentDefinition<any> = defineComponent("aggregate");
export default component;
