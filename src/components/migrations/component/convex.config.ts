import { defineComponent, type ComponentDefinition } from "convex/server";

const component: ComponentDefinition = defineComponent("migrations");
export default component;
