// Keeps the place of an address through the login: the part after # is not sent to the broker, but browsers pass it on to
// where a form and its redirect lead.
const form = document.querySelector("form");
if (form !== null) form.action += location.hash;
// Where the address has such a part, browsers do not heed `autofocus`. After a wrong password the user is there already.
const fields = [...document.querySelectorAll("input")];
fields.find(({ value }) => value === "")?.focus();
