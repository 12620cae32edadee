export { searchIndexOf, SearchedDocuments, type SearchCondition, type SearchedTable } from "./text-search.js";
export { nearestVectors, vectorIndexOf, type VectorMatch, type VectorQuery } from "./vector-search.js";
