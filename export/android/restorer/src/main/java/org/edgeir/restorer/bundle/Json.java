package org.edgeir.restorer.bundle;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads JSON (RFC 8259) into maps, lists, strings, {@code Long} or {@code Double}, booleans and null.
 *
 * <p>Strict: no comments, no duplicate names, no text behind the value, and no deeper than {@link #MAX_DEPTH}.
 */
final class Json {
    /** A manifest has seven levels. */
    static final int MAX_DEPTH = 64;

    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /**
     * The value that a UTF-8 text is.
     *
     * @throws IllegalArgumentException it is no JSON; the message says where
     */
    static Object parse(byte[] bytes) {
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException error) {
            throw new IllegalArgumentException("it is no UTF-8", error);
        }
        Json json = new Json(text);
        Object value = json.value(0);
        json.space();
        if (json.at < text.length()) throw json.wrong("the end");
        return value;
    }

    private Object value(int depth) {
        if (depth > MAX_DEPTH) throw new IllegalArgumentException("it is nested too deeply");
        space();
        switch (peek()) {
            case '{':
                return object(depth);
            case '[':
                return list(depth);
            case '"':
                return string();
            case 't':
                return word("true", Boolean.TRUE);
            case 'f':
                return word("false", Boolean.FALSE);
            case 'n':
                return word("null", null);
            default:
                return number();
        }
    }

    private Map<String, Object> object(int depth) {
        Map<String, Object> result = new LinkedHashMap<>();
        at++;
        space();
        if (peek() == '}') {
            at++;
            return result;
        }
        while (true) {
            space();
            if (peek() != '"') throw wrong("a name");
            String name = string();
            space();
            expect(':');
            if (result.containsKey(name)) throw new IllegalArgumentException("`" + name + "` is there twice");
            result.put(name, value(depth + 1));
            space();
            if (peek() == '}') break;
            expect(',');
        }
        at++;
        return result;
    }

    private List<Object> list(int depth) {
        List<Object> result = new ArrayList<>();
        at++;
        space();
        if (peek() == ']') {
            at++;
            return result;
        }
        while (true) {
            result.add(value(depth + 1));
            space();
            if (peek() == ']') break;
            expect(',');
        }
        at++;
        return result;
    }

    private String string() {
        StringBuilder result = new StringBuilder();
        at++;
        while (true) {
            char c = peek();
            if (c < 0x20) throw wrong("a character of a string");
            at++;
            if (c == '"') return result.toString();
            result.append(c == '\\' ? escaped() : c);
        }
    }

    private char escaped() {
        char c = peek();
        at++;
        switch (c) {
            case '"':
            case '\\':
            case '/':
                return c;
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'u':
                int code = 0;
                for (int digit = 0; digit < 4; digit++) {
                    int value = Character.digit(peek(), 16);
                    if (value < 0 || peek() > 'f') throw wrong("a hexadecimal digit");
                    code = 16 * code + value;
                    at++;
                }
                return (char) code;
            default:
                at--;
                throw wrong("an escape");
        }
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) throw wrong("a value");
        at += word.length();
        return value;
    }

    private Object number() {
        int start = at;
        if (peek() == '-') at++;
        if (peek() == '0') at++;
        else digits();
        boolean whole = true;
        if (here('.')) {
            whole = false;
            at++;
            digits();
        }
        if (here('e') || here('E')) {
            whole = false;
            at++;
            if (here('+') || here('-')) at++;
            digits();
        }
        String number = text.substring(start, at);
        try {
            if (whole) return Long.valueOf(number);
        } catch (NumberFormatException error) {
            // more digits than a long holds
        }
        return Double.valueOf(number);
    }

    private void digits() {
        int start = at;
        while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') at++;
        if (at == start) throw wrong("a value");
    }

    private boolean here(char c) {
        return at < text.length() && text.charAt(at) == c;
    }

    private void space() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) at++;
    }

    private char peek() {
        if (at >= text.length()) throw new IllegalArgumentException("it ends too early");
        return text.charAt(at);
    }

    private void expect(char c) {
        if (peek() != c) throw wrong("`" + c + "`");
        at++;
    }

    private IllegalArgumentException wrong(String expected) {
        return new IllegalArgumentException("character " + at + " is not " + expected);
    }
}
