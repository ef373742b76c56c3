'use strict';
// CDK's engine in one process, with its JavaScript compiled once per machine: labkit/engine.py unpacks it to here.
//
// jsii's own start runs a second Node that passes each message on, and loads CDK below a folder of a new name each
// time, so that nothing Node has compiled is ever found again.

const fs = require('fs');
const { Module } = require('module');
const path = require('path');
const { Writable } = require('stream');

const { readSync, writeSync, mkdtempSync } = fs;

// The engine talks through descriptor 3, which jsii's own start makes of our input and output.
fs.readSync = (fd, ...rest) => readSync(fd === 3 ? 0 : fd, ...rest);
fs.writeSync = (fd, ...rest) => writeSync(fd === 3 ? 1 : fd, ...rest);

// What CDK prints goes to Python the way jsii's own start sends it: a line of JSON on the error output.
for (const name of ['stdout', 'stderr']) {
  const write = (chunk, _, done) => {
    writeSync(2, `${JSON.stringify({ [name]: chunk.toString('base64') })}\n`);
    done();
  };
  Object.defineProperty(process, name, { value: new Writable({ write }) });
}

// Packages are linked and not copied, as with jsii's own start, but known by where they really lie, which is the
// same each time. What one requires of another is then found through the folder that has the links.
process.execArgv.push('--preserve-symlinks');
fs.mkdtempSync = (prefix, ...rest) => {
  const made = mkdtempSync(prefix, ...rest);
  if (path.basename(prefix) === 'jsii-kernel-') {
    const before = process.env.NODE_PATH;
    process.env.NODE_PATH = [path.join(made, 'node_modules'), before].filter(Boolean).join(path.delimiter);
    Module._initPaths();
    if (before === undefined) delete process.env.NODE_PATH;
    else process.env.NODE_PATH = before;
  }
  return made;
};

// Ctrl-C reaches Python too, which then closes our input: the engine ends there, and clears up.
process.on('SIGINT', () => {});

// An older Node that a person has set has no such function.
Module.enableCompileCache?.(path.join(__dirname, 'compiled'));
require('./lib/program.js');
