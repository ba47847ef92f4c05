// Answers the questions of a JSON file as the page does, and prints the answers: node answer_questions.mjs FOLDER FILE

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, file] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${folder}/${name}`).href);
const [{ readFormulas }, { answer }] = await Promise.all([load("formulas.js"), load("question.js")]);
const table = readFormulas(readFileSync(`${folder}/formulas.txt`, "utf8"));
const facts = JSON.parse(readFileSync(`${folder}/facts.json`, "utf8"));
const questions = JSON.parse(readFileSync(file, "utf8"));
console.log(JSON.stringify(questions.map((question) => answer(table, facts, question))));
