declare const __LITERT__: string;
declare const __ORT__: string;
