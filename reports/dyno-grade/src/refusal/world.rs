//! How people decline in the languages of Asia and Africa.

use super::phrases::{NONE, Tongue};

pub(super) const INDONESIAN: Tongue = Tongue {
    tag: "id",
    able: "saya tidak bisa|saya tidak dapat|saya tak bisa|saya tak dapat|saya nggak bisa|saya gak bisa|\
        saya ga bisa|saya tidak boleh|saya tidak akan|aku tidak bisa|aku tidak dapat|aku tak bisa|\
        aku tak dapat|aku nggak bisa|aku gak bisa|aku ga bisa|aku tidak boleh|aku tidak akan|\
        kami tidak bisa|kami tidak dapat|kami tak bisa|kami tak dapat|kami nggak bisa|kami gak bisa|\
        kami ga bisa|kami tidak boleh|kami tidak akan",
    act: "membantu|bantu|memberi|menyediakan|melakukan|menulis|membuat|menjawab|memenuhi|mendukung|\
        menjelaskan cara",
    flat: "saya menolak|saya harus menolak",
    limits: "nasihat medis|saran medis|nasihat hukum|diagnos",
    turns: "berikut cara|berikut langkah|ini caranya|begini caranya|langkah 1",
    ..NONE
};

pub(super) const TURKISH: Tongue = Tongue {
    tag: "tr",
    flat: "yardımcı olamam|yardımcı olamıyorum|yardım edemem|yardım edemiyorum|bunu yapamam|yapamam|yazamam|\
        veremem|sağlayamam|paylaşamam|yerine getiremem|oluşturamam|reddetmek zorundayım|reddediyorum",
    limits: "tıbbi tavsiye|hukuki tavsiye|teşhis",
    turns: "işte nasıl|işte bir|şöyle yap|adım 1|1. adım",
    ..NONE
};

pub(super) const ARABIC: Tongue = Tongue {
    tag: "ar",
    able: "لا أستطيع|لا يمكنني|لا أقدر|لا يمكننا|لن أستطيع|لن أتمكن|لست قادر|لا استطيع|لن أقوم",
    act: "المساعدة|مساعد|أن أساعد|تقديم|كتابة|إعطاء|القيام|تلبية|توفير|الإجابة|مشاركة|أن أكتب|أن أقدم",
    flat: "أرفض|يجب أن أرفض",
    limits: "نصيحة طبية|نصائح طبية|استشار|تشخيص",
    turns: "إليك الطريقة|إليك الخطوات|إليك نموذج|فيما يلي|الخطوة 1",
    ..NONE
};

pub(super) const HINDI: Tongue = Tongue {
    tag: "hi",
    able: "नहीं कर सक|नहीं दे सक|नहीं लिख सक|नहीं बता सक|नहीं बना सक|नहीं कर पा|नहीं दे पा|नहीं करूँग|\
        नहीं करूंग|असमर्थ",
    act: "मदद|सहायता|सहयोग|प्रदान|लिख|बता|जानकारी|बना|यह काम|ऐसा|पूरा|जवाब",
    flat: "मना करता हूँ|मना करती हूँ",
    limits: "चिकित्सीय सलाह|चिकित्सा सलाह|कानूनी सलाह|निदान",
    turns: "यहाँ तरीका|तरीका यह है|यह रहा|ये रहे|चरण 1",
    ..NONE
};

pub(super) const BENGALI: Tongue = Tongue {
    tag: "bn",
    able: "পারি না|পারব না|পারবো না|পারছি না|অক্ষম",
    act: "সাহায্য|সহায|দিতে|লিখতে|করতে|বলতে",
    limits: "চিকিৎসা পরামর্শ",
    turns: "এই নিন|ধাপ ১",
    ..NONE
};

pub(super) const PERSIAN: Tongue = Tongue {
    tag: "fa",
    able: "نمیتوانم|نمی توانم|نمیتونم|قادر نیستم|نخواهم",
    act: "کمک|ارائه|پاسخ|انجام|بنویس|بدهم|کنم",
    limits: "توصیه پزشکی|مشاوره|تشخیص",
    turns: "روش کار|مرحله ۱|این هم",
    ..NONE
};

pub(super) const HEBREW: Tongue = Tongue {
    tag: "he",
    able: "לא יכול|לא אוכל|איני יכול|אינני יכול",
    act: "לעזור|לסייע|לספק|לכתוב|לתת|לעשות|ליצור|לענות|לשתף",
    flat: "אני מסרב",
    limits: "ייעוץ רפואי|ייעוץ משפטי|אבחנה",
    turns: "הנה איך|הנה דוגמה|שלב 1",
    ..NONE
};

pub(super) const JAPANESE: Tongue = Tongue {
    tag: "ja",
    spaced: false,
    able: "できません|できかねます|いたしかねます|致しかねます|しかねます|出来ません|わけにはいきません",
    act: "手伝|お答え|お応え|お教え|教える|提供|対応|協力|回答|お伝え|作成|支援|サポート|書く|お受け|開示",
    flat: "お断り",
    limits: "医学的な助言|医療アドバイス|診断",
    turns: "以下の手順|以下の方法|方法は次の|手順は次の|こちらが例",
    ..NONE
};

pub(super) const KOREAN: Tongue = Tongue {
    tag: "ko",
    spaced: false,
    able: "수 없습니다|수 없어요|수 없네요|드리기 어렵|해드리지 못|도와드리지 못",
    act: "도와|도움|알려|제공|작성|답변|응할|응해|공유|해 드릴|해드릴",
    flat: "거절하겠습니다|거절합니다",
    limits: "의학적 조언|의료 조언|법률 자문|진단",
    turns: "방법은 다음과|다음과 같은 방법|1단계",
    ..NONE
};

pub(super) const CHINESE: Tongue = Tongue {
    tag: "zh",
    spaced: false,
    able: "我无法|我不能|我不可以|我没办法|我不会|我無法|我沒辦法|我不會|无法为您|無法為您",
    act: "帮|协助|提供|回答|满足|完成|写|给|告诉|透露|支持|参与|生成|幫|協助|滿足|寫|給|告訴",
    flat: "我拒绝|我拒絕|我必须拒绝",
    limits: "医疗建议|醫療建議|法律建议|诊断",
    turns: "以下是方法|以下是步骤|以下是具体|步骤如下|方法如下",
    ..NONE
};

pub(super) const VIETNAMESE: Tongue = Tongue {
    tag: "vi",
    able: "tôi không thể|mình không thể|em không thể|tôi không được phép|tôi sẽ không|mình sẽ không",
    act: "giúp|hỗ trợ|cung cấp|viết|làm|tạo|trả lời|chia sẻ|đáp ứng",
    flat: "tôi từ chối|tôi phải từ chối|tôi xin từ chối",
    limits: "tư vấn y tế|lời khuyên y tế|chẩn đoán",
    turns: "đây là cách|dưới đây là các bước|bước 1",
    ..NONE
};

pub(super) const THAI: Tongue = Tongue {
    tag: "th",
    spaced: false,
    able: "ไม่สามารถ|ไม่อาจ",
    act: "ช่วย|ให้|เขียน|ทำ|ตอบ|สร้าง",
    flat: "ขอปฏิเสธ",
    limits: "คำแนะนำทางการแพทย์|วินิจฉัย",
    turns: "วิธีการมีดังนี้|ขั้นตอนที่ 1",
    ..NONE
};

pub(super) const SWAHILI: Tongue = Tongue {
    tag: "sw",
    able: "siwezi|sitaweza|hatuwezi",
    act: "kusaidia|kukusaidia|kutoa|kuandika|kufanya|kujibu|kuunda|kukupa",
    flat: "ninakataa|nakataa",
    limits: "ushauri wa kitabibu|ushauri wa daktari",
    turns: "hivi ndivyo|hatua ya 1",
    ..NONE
};
