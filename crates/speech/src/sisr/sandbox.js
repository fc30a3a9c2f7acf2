// Runs before any script of a grammar. It takes away what is not in the ECMAScript Compact Profile (ECMA-327) plus a few
// well-known functions of later editions, and whatever makes code out of text; then it puts a price on every function
// whose work grows with its input, since the engine's own budget counts calls and loops but not what a call walks over.
(function (global) {
  'use strict';
  var apply = Reflect.apply;
  var remove = Reflect.deleteProperty;
  var define = Object.defineProperty;
  var names = Object.getOwnPropertyNames;
  var prototypeOf = Object.getPrototypeOf;
  var isArray = Array.isArray;
  var text = String;
  var kind = Object.prototype.toString;
  var stringify = JSON.stringify;
  var substring = String.prototype.substring;

  var left = 200000;
  function spend(cost) {
    left -= cost;
    if (left < 0) throw new RangeError('the script walks over too much data');
  }
  function size(value) {
    if (typeof value === 'string') return value.length;
    return isArray(value) || isArguments(value) ? value.length : 0;
  }
  function isArguments(value) {
    return typeof value === 'object' && apply(kind, value, []) === '[object Arguments]' && typeof value.length === 'number';
  }
  function isRegExp(value) {
    return typeof value === 'object' && apply(kind, value, []) === '[object RegExp]';
  }
  function replaceWith(owner, name, guarded) {
    define(owner, name, { value: guarded, writable: true, enumerable: false, configurable: true });
  }

  function guardPlain(owner, name) {
    var native = owner[name];
    if (typeof native !== 'function') return;
    replaceWith(owner, name, function () {
      var cost = size(this);
      for (var i = 0; i < arguments.length; i += 1) cost += size(arguments[i]);
      spend(cost);
      var result = apply(native, this, arguments);
      spend(size(result));
      return result;
    });
  }

  function guardArray(owner, name) {
    var native = owner[name];
    replaceWith(owner, name, function () {
      // The length of an array cannot be an accessor, so what is checked is what the function will see.
      if (!isArray(this) && !isArguments(this)) throw new TypeError(name + ' is for arrays');
      spend(name === 'sort' ? 16 * this.length : this.length);
      return apply(native, this, arguments);
    });
  }

  function concat() {
    var result = [];
    for (var i = -1; i < arguments.length; i += 1) {
      var part = i < 0 ? this : arguments[i];
      if (isArray(part)) {
        for (var j = 0; j < part.length; j += 1) result[result.length] = part[j];
      } else {
        result[result.length] = part;
      }
    }
    return result;
  }

  var searching = { indexOf: 1, lastIndexOf: 1, includes: 1, replace: 1, split: 1, startsWith: 1, endsWith: 1 };
  function guardString(owner, name) {
    var native = owner[name];
    replaceWith(owner, name, function () {
      if (this === null || this === undefined) throw new TypeError(name + ' is for strings');
      var self = text(this);
      var cost = self.length;
      for (var i = 0; i < arguments.length; i += 1) {
        var value = arguments[i];
        // What is not a text yet becomes one now: later it could be another one than was looked at.
        if (typeof value === 'object' && value !== null && !isRegExp(value)) arguments[i] = value = text(value);
        cost += size(value);
        if (i === 0 && searching[name] && typeof value === 'string') cost += self.length * (value.length >> 3);
      }
      spend(cost);
      var result = apply(native, self, arguments);
      spend(size(result));
      return result;
    });
  }

  function guardApply(owner) {
    var native = owner.apply;
    replaceWith(owner, 'apply', function (self, list) {
      if (list === null || list === undefined) return apply(native, this, [self]);
      if (!isArray(list) && !isArguments(list)) throw new TypeError('apply takes an array');
      spend(list.length);
      return apply(native, this, [self, list]);
    });
  }

  // What stays, by owner; what is not named is deleted.
  var kept = {
    Object: ['keys', 'values', 'entries', 'assign', 'create'],
    Array: ['isArray'],
    String: ['fromCharCode'],
    Number: ['MAX_VALUE', 'MIN_VALUE', 'NaN', 'NEGATIVE_INFINITY', 'POSITIVE_INFINITY', 'isInteger', 'isNaN', 'isFinite',
      'parseInt', 'parseFloat'],
    Boolean: [],
    Date: ['UTC', 'parse', 'now'],
    RegExp: [],
    Error: [], EvalError: [], RangeError: [], ReferenceError: [], SyntaxError: [], TypeError: [], URIError: []
  };
  var methods = {
    Object: ['hasOwnProperty', 'isPrototypeOf', 'propertyIsEnumerable', 'toString', 'toLocaleString', 'valueOf'],
    Function: ['apply', 'call', 'bind', 'toString'],
    Array: ['concat', 'join', 'pop', 'push', 'reverse', 'shift', 'slice', 'sort', 'splice', 'unshift', 'toString',
      'toLocaleString', 'indexOf', 'lastIndexOf', 'forEach', 'map', 'filter', 'some', 'every', 'reduce', 'reduceRight',
      'find', 'findIndex', 'includes', 'fill', 'keys', 'values', 'entries'],
    String: ['charAt', 'charCodeAt', 'concat', 'indexOf', 'lastIndexOf', 'localeCompare', 'match', 'replace', 'search',
      'slice', 'split', 'substring', 'substr', 'toLowerCase', 'toUpperCase', 'toLocaleLowerCase', 'toLocaleUpperCase',
      'trim', 'startsWith', 'endsWith', 'includes', 'padStart', 'padEnd', 'repeat', 'toString', 'valueOf', 'length']
  };
  var values = { undefined: 1, NaN: 1, Infinity: 1, Math: 1, JSON: 1, parseInt: 1, parseFloat: 1, isNaN: 1, isFinite: 1,
    decodeURI: 1, decodeURIComponent: 1, encodeURI: 1, encodeURIComponent: 1, escape: 1, unescape: 1 };

  function strip(owner, keep) {
    var own = names(owner);
    for (var i = 0; i < own.length; i += 1) {
      var name = own[i];
      if (name !== 'prototype' && name !== 'length' && name !== 'name' && name !== 'constructor' && keep.indexOf(name) < 0) {
        remove(owner, name);
      }
    }
  }

  var i, name, prototype;
  var codeMakers = [function () {}, function* () {}, async function () {}, async function* () {}];
  for (i = 0; i < codeMakers.length; i += 1) {
    prototype = prototypeOf(codeMakers[i]);
    if (prototype) remove(prototype, 'constructor');
  }
  var owners = { Object: Object, Function: Function, Array: Array, String: String };
  for (name in methods) strip(owners[name].prototype, methods[name]);
  for (name in kept) strip(global[name], kept[name]);
  guardPlain(Object, 'keys');
  guardPlain(Object, 'values');
  guardPlain(Object, 'entries');
  guardPlain(String, 'fromCharCode');
  guardPlain(Function.prototype, 'toString');
  guardApply(Function.prototype);
  guardPlain(JSON, 'parse');
  guardPlain(JSON, 'stringify');
  var plain = ['parseInt', 'parseFloat', 'decodeURI', 'decodeURIComponent', 'encodeURI', 'encodeURIComponent', 'escape',
    'unescape'];
  for (i = 0; i < plain.length; i += 1) guardPlain(global, plain[i]);
  prototype = Array.prototype;
  for (i = 0; i < methods.Array.length; i += 1) {
    name = methods.Array[i];
    if (name === 'concat') replaceWith(prototype, name, concat);
    else if (name !== 'pop' && name !== 'push') guardArray(prototype, name);
  }
  prototype = String.prototype;
  for (i = 0; i < methods.String.length; i += 1) {
    name = methods.String[i];
    if (name !== 'toString' && name !== 'valueOf' && name !== 'length') guardString(prototype, name);
  }
  var own = names(global);
  for (i = 0; i < own.length; i += 1) {
    name = own[i];
    if (!kept[name] && !values[name]) remove(global, name);
  }
  // For the variables of rules, which cut their texts out of one.
  global.sisr$cut = function (all, start, end) { return apply(substring, all, [start, end]); };
  return stringify;
})(this)
